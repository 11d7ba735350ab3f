package restore

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// A plan is the same with the whole index, and without what was taken out of it.
func TestAPlanUsesNothingThatIsTrimmed(t *testing.T) {
	for _, path := range goldenFiles(t) {
		_, objects := readArchive(t, path)
		point := pointOf(t, objects...)
		want, err := NewPlan(point, target, Options{})
		if err != nil {
			t.Fatal(err)
		}

		point.Index = TrimIndex(point.Index)
		got, err := NewPlan(point, target, Options{})
		if err != nil {
			t.Fatal(err)
		}
		wanted, _ := json.Marshal(want)
		if is, _ := json.Marshal(got); string(wanted) != string(is) {
			t.Errorf("%s: the plan is another one:\n%s", path, cmp.Diff(string(wanted), string(is)))
		}
	}
}

func TestAnIndexIsTrimmed(t *testing.T) {
	id := func(kind, name string) appbur.ObjectID {
		return appbur.ObjectID{Kind: kind, Namespace: "a", Name: name}
	}
	written := []manifest.Manager{{Manager: "kubectl-create", Operation: "Update", Time: time.Unix(1, 0)}}
	applied := manifest.Manager{Manager: "flux", Operation: "Apply", Fields: json.RawMessage(`{"f:data":{}}`)}
	index := map[appbur.ObjectID]manifest.Entry{
		id("ConfigMap", "nothing"):           {UID: "1", Managers: written},
		id("ConfigMap", "owner"):             {UID: "2", Managers: written},
		id("ConfigMap", "owned"):             {UID: "3", Owners: []manifest.Owner{{UID: "2"}}},
		id("ConfigMap", "applied"):           {UID: "4", Managers: append(written, applied)},
		id("PersistentVolumeClaim", "claim"): {UID: "5", Managers: written},
		id("Service", "addressed"):           {UID: "6", Fields: map[string]json.RawMessage{"spec.clusterIP": json.RawMessage(`"10.0.0.1"`)}},
	}

	want := map[appbur.ObjectID]manifest.Entry{
		id("ConfigMap", "owner"):             {UID: "2"},
		id("ConfigMap", "owned"):             {UID: "3", Owners: []manifest.Owner{{UID: "2"}}},
		id("ConfigMap", "applied"):           {UID: "4", Managers: []manifest.Manager{applied}},
		id("PersistentVolumeClaim", "claim"): {UID: "5"},
		id("Service", "addressed"):           {UID: "6", Fields: map[string]json.RawMessage{"spec.clusterIP": json.RawMessage(`"10.0.0.1"`)}},
	}
	if diff := cmp.Diff(want, TrimIndex(index)); diff != "" {
		t.Error(diff)
	}
}
