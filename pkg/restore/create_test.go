package restore

import (
	"errors"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
)

// settingsPlan restores one ConfigMap to a target of this minor version.
func settingsPlan(t *testing.T, minor int) *Plan {
	t.Helper()
	o := decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: default}\ndata: {a: ours}\n")
	plan, err := NewPlan(pointOf(t, o), target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan.Target = appbur.KubeVersion{Major: 1, Minor: minor}
	return plan
}

var settingsID = appbur.ObjectID{Kind: "ConfigMap", Namespace: "default", Name: "settings"}

// What is absent is created; a server that drops fields it does not know is sent an apply.
func TestWhatIsAbsentIsCreated(t *testing.T) {
	for minor, want := range map[int]Way{24: ByApply, 25: ByCreate, 37: ByCreate} {
		cluster := newFaultyCluster()
		var ways []Way
		cluster.fault = func(r Request, _ int) error {
			ways = append(ways, r.By)
			return nil
		}
		report, err := Apply(t.Context(), settingsPlan(t, minor), cluster, nil)
		if err != nil || report.Counts != (Counts{Created: 1}) || len(ways) != 1 || ways[0] != want {
			t.Errorf("1.%d: %v, %s, written by %v, want %v", minor, err, report.Counts, ways, want)
		}
	}
}

// A create whose answer was lost is found again by the next attempt, and was a create.
func TestACreateWhoseAnswerWasLostIsACreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFaultyCluster()
		cluster.fault = func(r Request, attempt int) error {
			if attempt > 1 {
				return nil
			}
			if r.By != ByCreate {
				t.Errorf("the first attempt is %v", r.By)
			}
			cluster.keep(r, FieldManager)
			return apierrors.NewTimeoutError("the answer was lost", 0)
		}

		report, err := Apply(t.Context(), settingsPlan(t, 37), cluster, nil)
		if err != nil || report.Counts != (Counts{Created: 1}) || cluster.clock != 1 {
			t.Errorf("%v, %s, %d writes", err, report.Counts, cluster.clock)
		}
	})
}

// Somebody may create the object after the target was listed. It is then one that exists.
func TestAnObjectMadeMeanwhileIsNotOverwritten(t *testing.T) {
	cluster := newFaultyCluster()
	cluster.fault = func(r Request, attempt int) error {
		if attempt == 1 {
			theirs := r
			theirs.Content = with(r.Content, "theirs", "data", "a")
			cluster.keep(theirs, "somebody")
			return nil
		}
		if r.By != ByApply || r.Force && !r.DryRun {
			t.Errorf("attempt %d is %v, forced: %v", attempt, r.By, r.Force)
		}
		return fieldConflict()
	}
	report, err := Apply(t.Context(), settingsPlan(t, 37), cluster, nil)
	if !errors.Is(err, ErrIncomplete) || report.Counts != (Counts{Failed: 1}) {
		t.Errorf("%v, %s", err, report.Counts)
	}
	if got := text(cluster.objects[settingsID].content, "data", "a"); got != "theirs" {
		t.Errorf("the object of somebody else has %q", got)
	}
}

// A conflict of a create is that of another object, mostly of a quota that is counted at the
// same moment, and passes.
func TestACreateIsTriedAgainWhenAQuotaWasCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFaultyCluster()
		cluster.fault = func(_ Request, attempt int) error {
			if attempt < 3 {
				return apierrors.NewConflict(schema.GroupResource{Resource: "resourcequotas"}, "all", errors.New("the object has been modified"))
			}
			return nil
		}
		report, err := Apply(t.Context(), settingsPlan(t, 37), cluster, nil)
		if err != nil || report.Counts != (Counts{Created: 1}) {
			t.Errorf("%v, %s", err, report.Counts)
		}
	})
}
