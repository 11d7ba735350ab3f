package pause

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// Release is what becomes of one paused object.
type Release struct {
	Object     appbur.ObjectID `json:"object"`
	APIVersion string          `json:"apiVersion"`
	Controller string          `json:"controller"`
	// Stage is its place among the objects of its controller, Await the condition that has to
	// be true before the next stage.
	Stage int    `json:"stage"`
	Await string `json:"await,omitempty"`
	// Changes are the fields that become what they were.
	Changes []Change `json:"changes"`
	// Resumed is true if somebody has released it by other means; only the mark is left.
	Resumed bool `json:"resumed,omitempty"`
	// Problem says why it cannot be released, "" if it can.
	Problem string `json:"problem,omitempty"`
}

// Change is a field that a release changes.
type Change struct {
	Path string `json:"path"`
	// To is the value from before the pause, nil if there was none.
	To any `json:"to,omitempty"`
}

// ReleaseOf reads from a live object how it is released. It reports false for one that is not
// paused by a restore.
func ReleaseOf(id appbur.ObjectID, live map[string]any) (Release, bool) {
	apiVersion, _ := live["apiVersion"].(string)
	r := Release{Object: id, APIVersion: apiVersion, Changes: []Change{}}
	m, marked, err := markOf(live)
	switch {
	case !marked:
		return r, false
	case judged[id.Group]:
		r.Problem = "no restore pauses objects of this kind, so the mark was written by somebody else"
		return r, true
	case err != nil:
		r.Problem = err.Error()
		return r, true
	}

	r.Controller, r.Stage, r.Await = m.Controller, m.Stage, m.Await
	r.Resumed = !same(lookup(live, m.Fields[0].Path), m.Fields[0].Paused) // the first one is what pauses
	for _, f := range m.Fields {
		if same(lookup(live, f.Path), f.Paused) && !same(f.Paused, f.Was) {
			r.Changes = append(r.Changes, Change{Path: joined(f.Path), To: f.Was})
		}
	}
	return r, true
}

// isOthers reports whether the fields of an object belong to others, and not to a restore: to those who applied it in
// the source, or all of them, if the object was only paused. A write of a field would take it from them.
func isOthers(live map[string]any) bool {
	entries, _ := lookup(live, []string{"metadata", "managedFields"}).([]any)
	applied, ours := false, false
	for _, entry := range entries {
		get := func(key string) any { return lookup(entry, []string{key}) }
		if get("subresource") != nil {
			continue
		}
		mine, apply := get("manager") == restore.FieldManager, get("operation") == "Apply"
		if mine && apply {
			return false
		}
		ours = ours || mine
		applied = applied || apply
	}
	return applied || len(entries) > 0 && !ours
}

// patch is the merge patch that releases a live object. It fails if somebody writes the object in
// between, so that no pause of somebody else is taken back.
func patch(id appbur.ObjectID, live map[string]any, m mark) map[string]any {
	metadata := map[string]any{
		"name": id.Name, "resourceVersion": lookup(live, []string{"metadata", "resourceVersion"}),
		"labels":      map[string]any{restore.PausedKey: nil},
		"annotations": map[string]any{restore.PausedKey: nil},
	}
	if id.Namespace != "" {
		metadata["namespace"] = id.Namespace
	}
	content := map[string]any{"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}
	for _, f := range m.Fields {
		if same(lookup(live, f.Path), f.Paused) {
			set(content, f.Path, f.Was)
		}
	}
	return content
}

// set puts a value, nil too, into a patch.
func set(content map[string]any, keys []string, value any) {
	for _, key := range keys[:len(keys)-1] {
		inner, ok := content[key].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			content[key] = inner
		}
		content = inner
	}
	content[keys[len(keys)-1]] = value
}

// Sort puts releases in the order in which they happen.
func Sort(releases []Release) {
	slices.SortFunc(releases, func(a, b Release) int {
		return cmp.Or(cmp.Compare(a.Controller, b.Controller), cmp.Compare(a.Stage, b.Stage), a.Object.Compare(b.Object))
	})
}

// Stages splits releases, which are sorted, into those that happen at the same time: one stage of one
// controller each.
func Stages(releases []Release) [][]Release {
	var stages [][]Release
	for i, r := range releases {
		if i == 0 || r.Controller != releases[i-1].Controller || r.Stage != releases[i-1].Stage {
			stages = append(stages, nil)
		}
		stages[len(stages)-1] = append(stages[len(stages)-1], r)
	}
	return stages
}

// String says what a release changes.
func (c Change) String() string {
	if c.To == nil {
		return c.Path + " is removed"
	}
	return fmt.Sprintf("%s becomes %v", c.Path, c.To)
}

func sortOutcomes(outcomes []Outcome) {
	slices.SortFunc(outcomes, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(a.Controller, b.Controller), a.Object.Compare(b.Object))
	})
}

// RightsPlan returns a plan that writes what is released and nothing else: what the account may do
// of it is asked as for any plan ([restore.ReviewRights]).
func RightsPlan(releases []Release) *restore.Plan {
	p := &restore.Plan{Format: restore.PlanFormat, Pausing: &restore.Pausing{Activate: restore.ActivateNow}}
	all := restore.PausedFor{}
	for i, r := range releases {
		p.Steps = append(p.Steps, &restore.Step{ID: i + 1, Action: restore.ActionRelink, Object: r.Object, APIVersion: r.APIVersion})
		all.Objects = append(all.Objects, r.Object)
	}
	p.Pausing.Controllers = []restore.PausedFor{all}
	return p
}
