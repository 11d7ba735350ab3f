package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// addReady ends each phase but the rest with a step that waits for it, and puts it before every step
// of the next one.
func (b *planner) addReady(nodes []*node) []*node {
	byPhase := make(map[int][]*node)
	for _, n := range nodes {
		byPhase[n.phase] = append(byPhase[n.phase], n)
	}

	var before *node
	for i := range len(b.point.Phases) + 1 {
		members := byPhase[i+1]
		if before != nil {
			for _, n := range members {
				n.after(before, firm)
			}
		}
		if len(members) == 0 || i == len(b.point.Phases) {
			continue // nothing to wait for, or nothing that waits
		}
		phase := b.point.Phases[i]
		ready := &node{phase: i + 1, stage: stageNever, step: &Step{
			Action: ActionReady, Why: "phase " + phase.Name + " ends before the next one begins",
		}}
		for _, n := range lastOf(members) {
			ready.in = append(ready.in, edge{from: n})
		}
		nodes, before = append(nodes, ready), ready
	}

	for _, n := range nodes {
		if n.phase <= len(b.point.Phases) {
			n.step.Phase = n.phase
		}
	}
	return nodes
}

// lastOf are the nodes of one phase that no other one of it comes after.
func lastOf(nodes []*node) []*node {
	inner := make(map[*node]bool)
	for _, n := range nodes {
		for _, e := range n.in {
			inner[e.from] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return inner[n] })
}

// ErrNotReady is the error of a phase whose objects were not ready in time. What follows was not tried.
var ErrNotReady = errors.New("a phase did not become ready")

// PhaseOutcome is what became of a phase.
type PhaseOutcome struct {
	Name string `json:"name"`
	// Took is how long it took until it was ready, waiting included, and Waited the part of that which
	// was spent waiting.
	Took   string `json:"took"`
	Waited string `json:"waited"`
	// NotReady are the objects that were not ready in time, with the reason. It is empty for a
	// phase that was.
	NotReady []NotReady `json:"notReady,omitempty"`

	took, waited time.Duration
}

// Times are how long the phase took, and the part of it that was spent waiting.
func (o PhaseOutcome) Times() (took, waited time.Duration) { return o.took, o.waited }

// NotReady is an object that is not ready.
type NotReady struct {
	Object appbur.ObjectID `json:"object"`
	// Status is that of kstatus, such as InProgress or Failed, or NotFound, or Unknown.
	Status string `json:"status"`
	Why    string `json:"why"`
}

// readyEvery is how long is waited between two looks.
const readyEvery = time.Second

// awaitPhase waits until the objects of a phase are ready, by kstatus. What failed is not waited for.
func (w *worker) awaitPhase(ctx context.Context, a *stepResult, end phaseEnd) error {
	phase := end.phase
	if !phase.Wait {
		return nil
	}
	if _, dry := w.cluster.(*dryCluster); dry {
		return nil // nothing of it was made
	}
	if a.notReady = end.failed; len(end.failed) > 0 {
		return notReadyError(phase, end.failed)
	}
	within, cancel := context.WithTimeout(ctx, phase.timeout)
	defer cancel()

	began, look := w.now(), ctx // the first look is not cut short, however short the timeout
	defer func() { a.waited = w.now().Sub(began) }()
	objects := end.objects
	for {
		waiting, err := w.notReady(look, objects, phase.Condition)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil { // else the look was cut short, and the one before it counts
			a.notReady = waiting
			objects = slices.DeleteFunc(objects, func(s *Step) bool { // what was ready once is not asked again
				return !slices.ContainsFunc(waiting, func(n NotReady) bool { return n.Object == s.Object })
			})
		}
		switch {
		case err == nil && len(waiting) == 0:
			return nil
		case within.Err() != nil:
			return notReadyError(phase, a.notReady)
		}
		w.waitingReady(ctx, a)
		look = within
		_ = backoff.Sleep(within, readyEvery) // the end of the time is found after it
	}
}

func notReadyError(phase *PlannedPhase, waiting []NotReady) error {
	names := make([]string, 0, len(waiting))
	for _, n := range waiting {
		names = append(names, fmt.Sprintf("%s is %s: %s", n.Object, n.Status, n.Why))
	}
	return appbur.WithHint(fmt.Errorf("%w: %s, within %s: %s", ErrNotReady, phase.Name, phase.Timeout, appbur.Shortlist(names, shownInPhase)),
		"see to these objects, then run the restore again: it continues there; or give the phase more time")
}

// notReady returns which of the objects are not ready.
func (w *worker) notReady(ctx context.Context, steps []*Step, condition string) ([]NotReady, error) {
	var mu sync.Mutex
	var found []NotReady
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(w.limiter.current())
	for _, step := range steps {
		group.Go(func() error {
			live, err := w.read(each, step)
			if each.Err() != nil {
				return each.Err()
			}
			if state := readinessOf(step.Object, live, err, condition); state != nil {
				state.Why = step.redaction.text(state.Why)
				mu.Lock()
				defer mu.Unlock()
				found = append(found, *state)
			}
			return nil
		})
	}
	err := group.Wait()
	slices.SortFunc(found, func(a, b NotReady) int { return a.Object.Compare(b.Object) })
	return found, err
}

// read gets the object of a step as it is.
func (w *worker) read(ctx context.Context, step *Step) (live map[string]any, err error) {
	plain := &Step{ID: step.ID, Object: step.Object, redaction: step.redaction}
	err = w.persist(ctx, &stepResult{step: plain}, func() error {
		live, err = w.cluster.Get(ctx, step.Object, step.APIVersion)
		return err
	})
	return live, err
}

// readinessOf judges an object that was read, or could not be. It returns nil for one that is ready.
func readinessOf(id appbur.ObjectID, live map[string]any, err error, condition string) *NotReady {
	state := &NotReady{Object: id, Status: string(status.UnknownStatus)}
	switch {
	case apierrors.IsNotFound(err) || errors.Is(err, ErrNotServed):
		state.Status, state.Why = string(status.NotFoundStatus), "it is not in the target"
		return state
	case err != nil:
		state.Why = err.Error()
		return state
	}

	var computed *status.Result
	err = appbur.Guard(func() (err error) { // a status can have any shape
		computed, err = status.Compute(&unstructured.Unstructured{Object: live})
		return err
	})
	switch {
	case err != nil:
		state.Why = err.Error()
		return state
	case computed.Status != status.CurrentStatus:
		state.Status, state.Why = string(computed.Status), strings.TrimSpace(computed.Message)
		return state
	case condition == "":
		return nil
	}

	state.Status, state.Why = string(status.InProgressStatus), "it has no condition "+condition
	for _, c := range list(live, "status", "conditions") {
		if text(c, "type") != condition {
			continue
		}
		if text(c, "status") == "True" {
			return nil
		}
		state.Why = fmt.Sprintf("%s is %s: %s", condition, text(c, "status"), text(c, "message"))
	}
	return state
}

// waitingReady reports what is waited for.
func (w *worker) waitingReady(ctx context.Context, a *stepResult) {
	if w.notify == nil || len(a.notReady) == 0 {
		return
	}
	first := a.notReady[0]
	w.notify(ctx, Event{
		Kind: EventWaiting, Step: a.step.ID, Action: a.step.Action, Object: first.Object, Retry: "not-ready",
		Reason: fmt.Sprintf("%d objects are not ready, the first is %s: %s", len(a.notReady), first.Status, first.Why),
	})
}
