package restore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/manifest"
)

// Verifier compares a target with plans. The zero value of every field but Cluster and Rules is usable;
// [Verify] is for those who need no other.
type Verifier struct {
	Cluster  Cluster
	Rules    *manifest.Rules
	Reporter Reporter
	// Ready says that objects which are not ready, by kstatus, are findings.
	Ready bool
	// Paused are objects that a restore has paused: they are not ready before they are released.
	Paused []appbur.ObjectID
	// Settle is how long the target may take to be as the plan says: controllers work on what was
	// restored for a while. The target is looked at again until nothing is found.
	Settle time.Duration
}

// settleEvery is how long is waited between two looks.
const settleEvery = 2 * time.Second

// Verify looks at the target once, or until it has settled. The findings are those of the last look.
func (w Verifier) Verify(ctx context.Context, p *Plan) (Findings, error) {
	if w.Settle <= 0 {
		return w.once(ctx, p)
	}
	within, cancel := context.WithTimeout(ctx, w.Settle)
	defer cancel()
	for look := 1; ; look++ {
		found, err := w.once(ctx, p)
		if err != nil {
			return found, err
		}
		if found.Looks = look; found.OK() || within.Err() != nil {
			return found, nil
		}
		_ = backoff.Sleep(within, settleEvery) // at the end of the time there is a last look
	}
}

// ready returns what holds for objects that have to be ready.
func (w Verifier) ready() func(appbur.ObjectID) bool {
	if !w.Ready {
		return func(appbur.ObjectID) bool { return false }
	}
	paused := make(map[appbur.ObjectID]bool, len(w.Paused))
	for _, id := range w.Paused {
		paused[id] = true
	}
	return func(id appbur.ObjectID) bool { return !paused[id] && !slices.Contains(withoutStatus, id.GroupKind()) }
}

// readiness makes a finding of an object that is not ready. That it is being deleted is one already.
func (v *verifier) readiness(step *Step, live map[string]any) {
	if !v.ready(step.Object) {
		return
	}
	if state := readinessOf(step.Object, live, nil, ""); state != nil && state.Status != string(status.TerminatingStatus) {
		what := fmt.Sprintf("is %s: %s", state.Status, step.redaction.text(state.Why))
		v.find(Finding{Kind: FindingNotReady, Object: step.Object, What: what})
	}
}
