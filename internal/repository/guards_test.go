package repository

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func manifests(kind string, n int) []string {
	paths := make([]string, n)
	for i := range paths {
		paths[i] = fmt.Sprintf("namespaces/team/%s/%s-%d.yaml", kind, kind, i)
	}
	return paths
}

func TestGuardsStopACollapse(t *testing.T) {
	configMaps, clusters := manifests("configmap", 1000), manifests("cluster.cluster.x-k8s.io", 40)
	saved := map[string]struct{}{}
	for _, path := range append(append([]string{}, configMaps...), clusters...) {
		saved[path] = struct{}{}
	}

	few := map[string]struct{}{configMaps[0]: {}, configMaps[1]: {}}
	for _, test := range []struct {
		name    string
		limits  Limits
		saved   map[string]struct{}
		added   int
		removed []string
		says    string
	}{
		{"nothing removed", DefaultLimits, saved, 0, nil, ""},
		{"a third of everything", DefaultLimits, saved, 0, configMaps[:350], ""},
		{"more than half of everything", DefaultLimits, saved, 0, configMaps[:600], "600 of 1040 saved objects"},
		{"a whole kind", DefaultLimits, saved, 0, clusters, "40 of 40 saved objects of the kind cluster.cluster.x-k8s.io"},
		{"most of a kind", DefaultLimits, saved, 0, clusters[:30], ""},
		{"one of two objects", DefaultLimits, few, 0, configMaps[:1], ""},
		{"the last objects of a small cluster", DefaultLimits, few, 0, configMaps[:2], "all 2 saved objects"},
		{"few objects replaced by others", DefaultLimits, few, 2, configMaps[:2], ""},
		{"stricter limits of the user's", Limits{Share: 0.1, Floor: 5, KindShare: 1, KindFloor: 0}, saved, 0, configMaps[:350], "350 of 1040"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Guards{}.checkCollapse(test.limits, test.saved, test.added, test.removed)
			var guard *GuardError
			switch {
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says != "" && (!errors.As(err, &guard) || !strings.Contains(err.Error(), test.says) || nextStep(err) == ""):
				t.Errorf("got %v, want a guard that says %q, with a hint", err, test.says)
			}
			if err := (Guards{AllowCollapse: true}).checkCollapse(test.limits, test.saved, test.added, test.removed); err != nil {
				t.Errorf("allowed, but %v", err)
			}
		})
	}
}

func TestGuardsStopAnotherCluster(t *testing.T) {
	seen := appbur.Cluster{ID: "new"}
	for _, test := range []struct {
		known  string
		guards Guards
		stops  bool
	}{{"", Guards{}, false}, {"new", Guards{}, false}, {"old", Guards{}, true}, {"old", Guards{AdoptCluster: true}, false}} {
		if err := test.guards.checkCluster(test.known, seen); (err != nil) != test.stops {
			t.Errorf("known %q, %+v: %v", test.known, test.guards, err)
		}
	}
}
