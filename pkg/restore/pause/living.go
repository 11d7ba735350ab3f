package pause

import (
	"cmp"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// Living says how objects of a running cluster are paused: by the same rules as those of a restore, and with the same
// mark, so that the same release has them as they were. It is not safe for concurrent use.
type Living struct{ rules *ruleBook }

// Living returns it for a cluster with these definitions of custom resources.
func (p Pauses) Living(definitions []restore.Object) Living {
	var point restore.Point
	for _, d := range definitions {
		point.Objects.Add(d)
	}
	return Living{p.ruleBook(point)}
}

// Concerns reports whether objects of a kind may have to be paused.
func (l Living) Concerns(kind appbur.GroupKind) bool { return len(l.rules.of(kind)) > 0 }

// Hold is how one living object is paused.
type Hold struct {
	Object     appbur.ObjectID `json:"object"`
	APIVersion string          `json:"apiVersion"`
	Controller string          `json:"controller"`
	// Stage is its place in the order of release; objects are paused the other way round.
	Stage int `json:"stage"`
	// Changes are the fields that pause it.
	Changes []Change `json:"changes"`
	Reason  string   `json:"reason"`
	// Problem says why it cannot be paused, "" if it can.
	Problem string `json:"problem,omitempty"`

	rule Rule
}

// HoldOf returns how an object is paused. It reports false for one that no rule is about, that is paused, by whomever,
// or that does nothing by itself: a controller would make it again, or it has ended.
func (l Living) HoldOf(id appbur.ObjectID, live map[string]any) (Hold, bool) {
	apiVersion, _ := live["apiVersion"].(string)
	o := restore.Object{ID: id, APIVersion: apiVersion, Content: live}
	if _, marked, _ := markOf(live); marked || isControlled(o) || hasEnded(live) {
		return Hold{}, false
	}
	rule, ok := l.rules.about(o)
	if !ok {
		return Hold{}, false
	}

	hold := Hold{Object: id, APIVersion: apiVersion, Controller: rule.Controller, Stage: rule.Stage, Reason: rule.Reason, rule: rule}
	if len(rule.Set) == 0 {
		hold.Problem = "the definition of its kind has no field to pause it by"
		return hold, true
	}
	m, paused := rule.mark(o, false)
	for _, f := range m.Fields {
		hold.Changes = append(hold.Changes, Change{Path: joined(f.Path), To: f.Paused})
	}
	return hold, paused
}

// isControlled reports whether an object of a built-in kind is made by a controller, such as the Job of a CronJob: what
// makes it is paused.
func isControlled(o restore.Object) bool {
	builtIn := !strings.Contains(o.ID.Group, ".") || strings.HasSuffix(o.ID.Group, ".k8s.io")
	owners, _ := lookup(o.Content, []string{"metadata", "ownerReferences"}).([]any)
	return builtIn && slices.ContainsFunc(owners, func(owner any) bool { return lookup(owner, []string{"controller"}) == true })
}

// hasEnded reports whether an object is a Job that is over, or on its way out. Conditions of a Job:
// https://kubernetes.io/docs/concepts/workloads/controllers/job/#terminal-job-conditions
func hasEnded(live map[string]any) bool {
	if lookup(live, []string{"metadata", "deletionTimestamp"}) != nil {
		return true
	}
	conditions, _ := lookup(live, []string{"status", "conditions"}).([]any)
	return live["kind"] == "Job" && slices.ContainsFunc(conditions, func(c any) bool {
		kind := lookup(c, []string{"type"})
		return (kind == "Complete" || kind == "Failed") && lookup(c, []string{"status"}) == "True"
	})
}

// SortHolds puts objects in the order in which they are paused: who acts on others before those, which is the order of
// release backwards.
func SortHolds(holds []Hold) {
	slices.SortFunc(holds, func(a, b Hold) int {
		return cmp.Or(cmp.Compare(a.Controller, b.Controller), cmp.Compare(b.Stage, a.Stage), a.Object.Compare(b.Object))
	})
}

// holdPatch is the merge patch that pauses a live object. It fails if somebody writes the object in between: the mark
// would remember what was not there.
func holdPatch(h Hold, live map[string]any) (map[string]any, bool, error) {
	m, paused := h.rule.mark(restore.Object{ID: h.Object, APIVersion: h.APIVersion, Content: live}, false)
	if !paused {
		return nil, false, nil
	}
	text, err := m.encode()
	if err != nil {
		return nil, false, err
	}

	metadata := map[string]any{
		"name": h.Object.Name, "resourceVersion": lookup(live, []string{"metadata", "resourceVersion"}),
		"labels":      map[string]any{restore.PausedKey: "true"},
		"annotations": map[string]any{restore.PausedKey: text},
	}
	if h.Object.Namespace != "" {
		metadata["namespace"] = h.Object.Namespace
	}
	content := map[string]any{"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}
	for _, f := range m.Fields {
		set(content, f.Path, f.Paused)
	}
	return content, true, nil
}
