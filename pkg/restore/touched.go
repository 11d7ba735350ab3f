package restore

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Touched is what applying a plan will touch.
type Touched struct {
	// Absent are the objects that are not there and would be made.
	Absent []Made
	// Owners are those of the objects that would be changed or deleted, without being so themselves.
	Owners []appbur.ObjectID
}

// Made is an object that a restore makes.
type Made struct {
	Object     appbur.ObjectID
	APIVersion string
	// UID is that which it got, "" if that is not known.
	UID string
}

// Touch finds out what applying the plan will touch, before anything is written: emit is
// called for each object that would be changed or deleted, as it is, and for their owners, one
// call at a time. It is the judgement of the restore itself. Into a target that has none of the
// objects it costs a list for each of their types.
func Touch(ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules, emit func(live map[string]any) error) (Touched, error) {
	t := &toucher{
		worker: newWorker(Applier{Cluster: c, Rules: rules}, p.Policy), emit: emit,
		emitted: make(map[appbur.ObjectID]bool), owners: make(map[appbur.ObjectID]string),
	}
	t.worker.groups, t.worker.silent.looking = foreseeAll(p), true
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(t.worker.limiter.current())
	seen := make(map[appbur.ObjectID]bool)
	for _, step := range p.Steps {
		switch step.Action {
		case ActionApply, ActionPrune:
		case ActionPrepare, ActionStatus, ActionWait, ActionRelink, ActionHandOver, ActionBarrier, ActionReady,
			ActionKeep, ActionSkip, ActionBlocked:
			continue
		}
		if !seen[step.Object] {
			seen[step.Object] = true
			group.Go(func() error { return t.step(each, step) })
		}
	}
	if err := group.Wait(); err != nil {
		return Touched{}, fmt.Errorf("looking at what will be changed: %w", err)
	}
	if err := t.readOwners(ctx); err != nil {
		return Touched{}, fmt.Errorf("looking at the owners of what will be changed: %w", err)
	}

	slices.SortFunc(t.result.Absent, func(a, b Made) int { return a.Object.Compare(b.Object) })
	slices.SortFunc(t.result.Owners, appbur.ObjectID.Compare)
	return t.result, nil
}

type toucher struct {
	worker *worker

	mu      sync.Mutex
	emit    func(live map[string]any) error
	emitted map[appbur.ObjectID]bool
	owners  map[appbur.ObjectID]string // by what their apiVersion is
	result  Touched
}

// step looks at the object of one step.
func (t *toucher) step(ctx context.Context, step *Step) error {
	plain := *step
	plain.Needs = nil // nothing is restored before this look that would be waited for
	a := &stepResult{step: &plain}
	_, known, err := t.worker.before(ctx, a, learned{})
	if err != nil {
		return err
	}
	if known && step.Action == ActionApply {
		if _, settled := t.worker.isSettled(ctx, &plain); settled {
			return nil // the list of its type says so
		}
	}
	var found map[string]any
	if known {
		if found, err = t.worker.live(ctx, a); err != nil {
			return err
		}
	}

	switch {
	case found == nil && step.Action == ActionApply:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.result.Absent = append(t.result.Absent, Made{Object: step.Object, APIVersion: step.APIVersion})
		return nil
	case found == nil:
		return nil // to be deleted, and gone
	case step.Action == ActionPrune:
		return t.touched(found)
	case step.Details().Need != nil:
		return nil // left as it is
	}
	settled, err := t.worker.asPlanned(ctx, a, found)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || !settled { // what cannot be judged may be changed
		return t.touched(found)
	}
	return nil
}

// asPlanned reports whether a restore would leave a live object as it is, with the owners that are
// there by now.
func (w *worker) asPlanned(ctx context.Context, a *stepResult, found map[string]any) (bool, error) {
	content, err := w.withOwners(ctx, a, learned{})
	if err != nil {
		return false, err
	}
	if content, err = withDefaults(a.step, withLiveStatus(withLiveOwners(content, found), found), found); err != nil {
		return false, err
	}
	return w.settled(ctx, a, content, found)
}

func (t *toucher) touched(live map[string]any) error {
	id, err := manifest.IDOf(live)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, owner := range list(live, "metadata", "ownerReferences") {
		owning := appbur.ObjectID{
			Group: groupOf(text(owner, "apiVersion")), Kind: text(owner, "kind"), Namespace: id.Namespace, Name: text(owner, "name"),
		}
		t.owners[owning] = text(owner, "apiVersion")
	}
	t.emitted[id] = true
	return t.emit(live)
}

// readOwners reads the owners that are not touched themselves: in the namespace, or outside of namespaces.
func (t *toucher) readOwners(ctx context.Context) error {
	for id, apiVersion := range t.owners {
		for _, namespace := range slices.Compact([]string{id.Namespace, ""}) {
			id.Namespace = namespace
			if t.emitted[id] {
				break
			}
			live, err := t.worker.live(ctx, &stepResult{step: &Step{Object: id, APIVersion: apiVersion}})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil || live == nil || text(live, "metadata", "namespace") != namespace {
				continue // a reference to nothing, or to something that may not be read
			}
			t.emitted[id] = true
			t.result.Owners = append(t.result.Owners, id)
			if err := t.emit(live); err != nil {
				return err
			}
			break
		}
	}
	return nil
}
