//go:build integration

package builtins

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

var servers = []struct {
	kube, name string
	args       []string
}{
	{kube: "1.24.17", name: "default"},
	{kube: "1.37.1", name: "default"},
	{kube: "1.24.17", name: "all", args: []string{"--runtime-config=api/all=true"}},
	{kube: "1.37.1", name: "all", args: []string{
		"--runtime-config=api/all=true",
		"--feature-gates=GenericWorkload=true,TopologyAwareWorkloadScheduling=true,CompositePodGroup=true",
	}},
}

// TestEveryBuiltInKind creates every built-in kind that a server serves, saves it, and
// applies what was saved to the same cluster and to an empty one.
func TestEveryBuiltInKind(t *testing.T) {
	tested, listed, ran := make(map[string]bool), make(map[string]bool), 0
	for _, each := range servers {
		t.Run(each.kube+"/"+each.name, func(t *testing.T) {
			s := newServer(t, each.kube, each.args...)
			objects, known := s.objects()
			ran++
			for gk := range known {
				listed[gk.String()] = true
			}
			for gk := range s.resources {
				_, never := uncreatable[gk.String()]
				if !known[gk] && !never {
					t.Errorf("%s is served and is in no table: add an object to testdata/objects.txtar", gk)
				}
				tested[gk.String()] = true
			}
			for _, kind := range s.readOnly {
				if readOnly[kind] == "" {
					t.Errorf("%s can be read and not created, and is in no table", kind)
				}
			}
			slices.SortStableFunc(objects, func(a, b object) int { return cmp.Compare(turn(a.id.Kind), turn(b.id.Kind)) })
			for _, o := range objects {
				s.create(s.resources[o.id.GroupKind()], o.id.Namespace, o.yaml(t))
			}
			if t.Failed() {
				return
			}
			first := s.capture()
			s.checkDecisions(objects, first)
			t.Run("same cluster", func(t *testing.T) { appliesAgain(t, s.in(t), first.saved()) })
			if each.name == "default" {
				t.Run("restored", func(t *testing.T) { restored(t, s.in(t), newServer(t, each.kube), first) })
			}
			t.Run("empty cluster", func(t *testing.T) { appliesElsewhere(t, newServer(t, each.kube, each.args...), first.saved()) })
		})
	}

	if ran < len(servers) {
		return // some were not asked for, or did not start
	}
	for kind := range excluded {
		listed[kind] = true
	}
	for kind := range uncreatable {
		listed[kind] = true
	}

	for kind := range listed {
		if !tested[kind] {
			t.Errorf("%s is in a table, and no server serves it", kind)
		}
	}
}

// in returns the server for a subtest.
func (s *server) in(t *testing.T) *server {
	other := *s
	other.t = t
	return &other
}

// turn says which kinds others need.
func turn(kind string) int {
	switch kind {
	case "Namespace":
		return 0
	case "CustomResourceDefinition", "ServiceAccount", "PriorityLevelConfiguration":
		return 1
	default:
		return 2
	}
}

// checkDecisions compares what became of each object with the tables, and that nothing
// else was saved.
func (s *server) checkDecisions(objects []object, c captured) {
	t := s.t
	t.Helper()
	want := make(map[string]bool)

	for _, o := range objects {
		kind := o.id.GroupKind().String()
		if rule, ok := excluded[kind]; ok {
			if got := ruleOf(c, o.id); got != rule {
				t.Errorf("%s is excluded by %q, want %q", o.id, got, rule)
			}
			continue
		}
		want[o.id.Path()] = true
		r, read := c.results[o.id.String()]
		switch {
		case !read:
			t.Errorf("%s was not read", o.id)
		case !r.Decision.Saved:
			t.Errorf("%s is not saved: %s", o.id, r.Decision.Rule)
		case r.Entry.UID == "" || r.Entry.Created.IsZero() || len(r.Entry.Managers) == 0:
			t.Errorf("the index entry of %s lacks something: %+v", o.id, r.Entry)
		default:
			if err := s.together(r); err != nil {
				t.Errorf("%s: %v", o.id, err)
			}
		}
	}

	for path := range c.saved() {
		if !want[path] {
			t.Errorf("%s was saved and nobody created it", path)
		}
	}
}

// together puts a manifest and its index entry together, as a restore into the same
// cluster would, and takes the result apart again: nothing may have moved. What the
// live object says of its writers is lent to it, because rules ask who wanted what.
func (s *server) together(r manifest.Result) error {
	content, err := manifest.Decode(r.Manifest.Data)
	if err != nil {
		return err
	}
	whole, err := manifest.Reassemble(content, r.Entry)
	if err != nil {
		return err
	}
	_, answer := s.send(http.MethodGet, s.resources[r.Manifest.ID.GroupKind()].path(r.Manifest.ID.Namespace, r.Manifest.ID.Name),
		"application/json", nil)

	live, err := manifest.Decode(answer)
	if err != nil {
		return err
	}
	whole["metadata"].(map[string]any)["managedFields"] = live["metadata"].(map[string]any)["managedFields"]

	again, err := manifest.Default().Make(whole)
	if err != nil {
		return err
	}
	want := r.Entry
	want.Managers, again.Entry.Managers = nil, nil // somebody may have written meanwhile
	if d := diff.Diff(string(r.Manifest.Data), string(again.Manifest.Data)) + diff.Diff(want, again.Entry); d != "" {
		return fmt.Errorf("manifest and index entry do not make the object again:\n%s", d)
	}
	return nil
}

// ruleOf returns the rule that excludes an object, also when its kind was not read.
func ruleOf(c captured, id appbur.ObjectID) string {
	if r, ok := c.results[id.String()]; ok {
		return r.Decision.Rule
	}
	for _, t := range c.coverage.Types {
		if t.GroupKind() == id.GroupKind() {
			rule, _, _ := strings.Cut(strings.TrimPrefix(t.Reason, "not read: "), ":")
			return rule
		}
	}
	if id.GroupKind().String() == "Event" {
		return ruleOf(c, appbur.ObjectID{Group: "events.k8s.io", Kind: "Event"}) // the same objects
	}
	return ""
}

const (
	applying = "?fieldManager=kubectl&fieldValidation=Strict"
	applied  = "application/apply-patch+yaml"
)

// appliesAgain applies the manifests to the cluster that they came from, without force
// but where that is known to be refused, and captures it again.
func appliesAgain(t *testing.T, s *server, saved map[string]manifest.Manifest) {
	for _, path := range order(saved) {
		m := saved[path]
		at := s.resources[m.ID.GroupKind()].path(m.ID.Namespace, m.ID.Name)
		force := ""
		if _, needed := forced[m.ID.GroupKind().String()]; needed {
			if code, answer := s.send(http.MethodPatch, at+applying+"&dryRun=All", applied, m.Data); code != http.StatusConflict {
				t.Errorf("%s is in the table of what needs force, and the answer without is %d %s", path, code, answer)
			}
			force = "&force=true"
		}
		for _, query := range []string{applying + force + "&dryRun=All", applying + force} {
			if err := s.accept(http.MethodPatch, at+query, applied, m.Data); err != nil {
				t.Errorf("%s does not apply: %v\n%s", path, err, m.Data)
				break
			}
		}
	}
	same(t, saved, s.capture().saved())
}

// appliesElsewhere creates and applies the manifests in an empty cluster, as two ways
// of kubectl would, and captures that.
func appliesElsewhere(t *testing.T, s *server, saved map[string]manifest.Manifest) {
	for _, path := range order(saved) {
		m := saved[path]
		r := s.resources[m.ID.GroupKind()]
		if err := s.accept(http.MethodPost, r.path(m.ID.Namespace, "")+applying+"&dryRun=All", "application/yaml", m.Data); err != nil {
			t.Errorf("%s cannot be created: %v\n%s", path, err, m.Data)
		}
		if err := s.accept(http.MethodPatch, r.path(m.ID.Namespace, m.ID.Name)+applying, applied, m.Data); err != nil {
			t.Errorf("%s does not apply: %v\n%s", path, err, m.Data)
		}
	}
	same(t, saved, s.capture().saved())
}

func order(saved map[string]manifest.Manifest) []string {
	return slices.SortedFunc(maps.Keys(saved), func(a, b string) int {
		return cmp.Or(cmp.Compare(turn(saved[a].ID.Kind), turn(saved[b].ID.Kind)), strings.Compare(a, b))
	})
}

// same compares two captures byte by byte.
func same(t *testing.T, before, after map[string]manifest.Manifest) {
	t.Helper()
	texts := func(saved map[string]manifest.Manifest) map[string]string {
		all := make(map[string]string, len(saved))
		for path, m := range saved {
			all[path] = string(m.Data)
		}
		return all
	}
	if d := diff.Diff(texts(before), texts(after)); d != "" {
		t.Errorf("what was applied is saved otherwise (-before +after):\n%s", d)
	}
}
