package restore

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What apply cannot write is replaced at the version that was read. When another client writes in
// between, as the controller of a Deployment does, it is read and built again: the same
// request would be refused for ever.
func TestAReplacementIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const set = faultySet
		cluster := newFaultyCluster()
		if report, err := Apply(t.Context(), fleetPlan(t), cluster, nil); err != nil || outcomeOf(t, report, set).Result != Created {
			t.Fatalf("%v, %v", report, err)
		}

		others := 3
		cluster.fault = func(r Request, _ int) error {
			if r.Object.String() != set || r.Status {
				return nil
			}
			if r.By == ByApply {
				return apierrors.NewInternalError(errors.New("failed to apply: duplicate entries for key [name=\"A\"]"))
			}
			return cluster.expectVersion(r, &others)
		}
		cluster.spoil(set)

		report, err := Apply(t.Context(), fleetPlan(t), cluster, nil)
		if o := outcomeOf(t, report, set); err != nil || o.Result != Configured || others != 0 {
			t.Errorf("%s %s after %d more writes of others (%v)", o.Result, o.Reason, others, err)
		}
	})
}

// A create whose answer is lost is there all the same: the next try finds the object, and nothing is
// left to do.
func TestALostAnswerOfACreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const set = faultySet
		cluster := newFaultyCluster()
		creates := 0
		cluster.fault = func(r Request, _ int) error {
			switch {
			case r.Object.String() != set || r.Status:
				return nil
			case r.By == ByApply:
				return apierrors.NewInternalError(errors.New("failed to apply: duplicate entries for key [name=\"A\"]"))
			}

			if creates++; creates > 1 {
				return apierrors.NewAlreadyExists(schema.GroupResource{Resource: "machinesets"}, "ms")
			}
			cluster.mu.Lock()
			defer cluster.mu.Unlock()
			cluster.objects[r.Object] = &kept{identity: Identity{UID: "made", ResourceVersion: "1"}, content: r.Content}
			return syscall.ECONNRESET
		}

		report, err := Apply(t.Context(), fleetPlan(t), cluster, nil)
		if o := outcomeOf(t, report, set); err != nil || o.Result == Failed || creates != 2 {
			t.Errorf("%s %s after %d creates (%v)", o.Result, o.Reason, creates, err)
		}
	})
}

// expectVersion refuses a write of what was read before another client wrote, which
// happens as often as others says.
func (f *faultyCluster) expectVersion(r Request, others *int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.objects[r.Object]
	if *others > 0 {
		*others--
		k.identity.ResourceVersion += "-other"
	}
	if text(r.Content, "metadata", "resourceVersion") != k.identity.ResourceVersion {
		return raced()
	}
	return nil
}

// spoil changes the content of an object, so that a restore has something to do.
func (f *faultyCluster) spoil(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, k := range f.objects {
		if id.String() == name {
			k.content = with(k.content, int64(7), "spec", "replicas")
		}
	}
}
