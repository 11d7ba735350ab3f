//go:build integration

package builtins

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// several are the kinds that a server serves at more than one version, with the
// version that they are to be read at.
var several = map[string]map[string]string{
	"1.24.17": {
		"CSIStorageCapacity.storage.k8s.io":                       "v1",
		"CronJob.batch":                                           "v1",
		"EndpointSlice.discovery.k8s.io":                          "v1",
		"Event.events.k8s.io":                                     "v1",
		"FlowSchema.flowcontrol.apiserver.k8s.io":                 "v1beta2",
		"HorizontalPodAutoscaler.autoscaling":                     "v2",
		"PodDisruptionBudget.policy":                              "v1",
		"PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io": "v1beta2",
		"RuntimeClass.node.k8s.io":                                "v1",
	},
	"1.37.1": {"HorizontalPodAutoscaler.autoscaling": "v2"},
}

// TestEachKindOnce creates an object of each such kind through every version that is
// served. However an object was written, it is saved once, at the most stable
// version, in the same form, and the index tells the version that its writer used.
func TestEachKindOnce(t *testing.T) {
	for kube, want := range several {
		t.Run(kube, func(t *testing.T) {
			s := newServer(t, kube)
			got := make(map[string]string)
			for gk, r := range s.resources {
				if len(r.others) > 0 {
					got[gk.String()] = r.Version
				}
			}

			if d := diff.Diff(want, got); d != "" {
				t.Fatalf("kinds with several versions (-want +got):\n%s", d)
			}
			objects, _ := s.objects()
			slices.SortStableFunc(objects, func(a, b object) int { return cmp.Compare(turn(a.id.Kind), turn(b.id.Kind)) })

			var copies []copied
			for _, o := range objects {
				r := s.resources[o.id.GroupKind()]
				if len(r.others) == 0 && o.id.Kind != "Namespace" && o.id.Kind != "Event" {
					continue
				}
				s.create(r, o.id.Namespace, o.yaml(t))
				for _, version := range r.others {
					copies = append(copies, s.copyThrough(o, version))
				}
			}

			c := s.capture()
			checkOnce(t, c, want)
			for _, each := range copies {
				each.check(t, c)
			}
		})
	}
}

// copied is an object that was written through an older version.
type copied struct {
	original, copy appbur.ObjectID
	apiVersion     string
}

// copyThrough reads an object at another version and creates it at that version under
// another name.
func (s *server) copyThrough(o object, version string) copied {
	s.t.Helper()
	r := s.resources[o.id.GroupKind()]
	r.Version = version
	code, answer := s.send(http.MethodGet, r.path(o.id.Namespace, o.id.Name), "application/json", nil)
	if code != http.StatusOK {
		s.t.Fatalf("get %s at %s: %d %s", o.id, version, code, answer)
	}
	var content map[string]any
	if err := json.Unmarshal(answer, &content); err != nil {
		s.t.Fatal(err)
	}
	c := copied{original: o.id, copy: o.id, apiVersion: r.GroupVersion().String()}
	c.copy.Name += "-" + version
	before, _ := content["metadata"].(map[string]any)

	metadata := map[string]any{"name": c.copy.Name}
	for _, key := range []string{"namespace", "labels", "annotations"} {
		if value, ok := before[key]; ok {
			metadata[key] = value
		}
	}

	content["metadata"] = metadata
	delete(content, "status")
	body, err := json.Marshal(content)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.accept(http.MethodPost, r.path(o.id.Namespace, "")+"?fieldManager=old-client", "application/json", body); err != nil {
		s.t.Fatalf("create %s at %s: %v", c.copy, version, err)
	}
	return c
}

// check compares the copy with its original.
func (c copied) check(t *testing.T, all captured) {
	t.Helper()
	original, copied := all.results[c.original.String()], all.results[c.copy.String()]
	if rule, ok := excluded[c.original.GroupKind().String()]; ok {
		if got := ruleOf(all, c.copy); got != rule {
			t.Errorf("%s is excluded by %q, want %q", c.copy, got, rule)
		}
		return
	}
	if d := diff.Diff(string(original.Manifest.Data),
		strings.ReplaceAll(string(copied.Manifest.Data), "name: "+c.copy.Name, "name: "+c.original.Name)); d != "" {
		t.Errorf("%s, written through %s, is saved in another form (-original +copy):\n%s", c.copy, c.apiVersion, d)
	}

	if copied.Manifest.APIVersion == c.apiVersion {
		t.Errorf("%s was read at %s", c.copy, c.apiVersion)
	}
	i := slices.IndexFunc(copied.Entry.Managers, func(m manifest.Manager) bool { return m.Manager == "old-client" })
	if i < 0 || copied.Entry.Managers[i].APIVersion != c.apiVersion || copied.Entry.Managers[i].Operation != "Update" {
		t.Errorf("the index of %s does not tell that it was written through %s: %+v", c.copy, c.apiVersion, copied.Entry.Managers)
	}
	files, err := manifest.EncodeIndex(map[appbur.ObjectID]manifest.Entry{c.copy: copied.Entry})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(files[0].Data), `"manager":"old-client","operation":"Update","apiVersion":"`+c.apiVersion+`"`) {
		t.Errorf("the file of the index does not tell that %s was written through %s:\n%s", c.copy, c.apiVersion, files[0].Data)
	}
}

// checkOnce checks that every group-kind is covered once, at the version that is
// wanted where there is a choice, and events in one group only.
func checkOnce(t *testing.T, c captured, want map[string]string) {
	t.Helper()
	versions := make(map[string]string)
	for _, each := range c.coverage.Types {
		kind := each.GroupKind().String()
		if other, twice := versions[kind]; twice {
			t.Errorf("%s is covered at %s and at %s", kind, other, each.Version)
		}
		versions[kind] = each.Version
	}

	for kind, version := range want {
		if versions[kind] != version {
			t.Errorf("%s is read at %q, want %q", kind, versions[kind], version)
		}
	}

	if version, twice := versions["Event"]; twice {
		t.Errorf("events are read in the core group at %s, too", version)
	}
	resources := make(map[string][]string)
	for _, each := range c.coverage.Types {
		resources[each.Resource] = append(resources[each.Resource], each.Group)
	}

	for _, name := range slices.Sorted(maps.Keys(resources)) {
		if len(resources[name]) > 1 {
			t.Errorf("%s are read in several groups: %q", name, resources[name])
		}
	}
}
