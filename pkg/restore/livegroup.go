package restore

import (
	"context"
	"errors"
	"sync"

	"github.com/appbur/appbur"
)

// What exists is read by lists: one request for up to 250 objects in place of one for each. A
// list is only faster. Whatever it does not show, because it was refused, ended early or is
// older than the object, is read by itself.

// leastInGroup is from how many objects on a list is worth more than it reads too much.
const leastInGroup = 4

// liveGroup is what one list shows: a kind in one namespace.
type liveGroup struct {
	apiVersion, kind, namespace string
}

func groupOfStep(s *Step) liveGroup {
	return liveGroup{s.APIVersion, s.Object.Kind, s.Object.Namespace}
}

// mostOnTop is how many times as many objects as it is for a list may show before it is given
// up: a few objects of a namespace full of others are read one by one.
const mostOnTop = 10

// eachLive passes the live objects of a group to visit, until the list ends or fails. It is for
// so many of them. Complete is true when it showed all that there are.
func (w *worker) eachLive(ctx context.Context, g liveGroup, wanted int, visit func(map[string]any)) (complete bool, err error) {
	seen := 0
	a := &stepResult{step: &Step{Object: appbur.ObjectID{Group: groupOf(g.apiVersion), Kind: g.kind, Namespace: g.namespace}}}
	token := ""
	for {
		var next string
		err := w.persist(ctx, a, func() (err error) {
			next, err = w.cluster.Page(ctx, g.apiVersion, g.kind, g.namespace, token, func(found map[string]any) {
				seen++
				visit(found)
			})
			return err
		})
		switch {
		case errors.Is(err, ErrNotServed):
			return true, nil // there are none
		case err != nil:
			return false, err
		case next == "":
			return true, nil
		case next == token:
			return false, errListStands
		case seen > mostOnTop*wanted:
			return false, nil
		}
		token = next
	}
}

// foreseen is what a list showed of the objects of one group that a plan applies.
type foreseen struct {
	mu     sync.Mutex
	listed bool
	// applies are how many of the objects are applied; by name they are few bytes each.
	applies int
	objects map[string]*prospect
}

// prospect is what becomes of one object of a group.
type prospect struct {
	apply, status *Step
	// settled is set for one that is as the plan says, filled is true when its status is, too.
	settled *Identity
	filled  bool
}

func (p *prospect) isFilled() bool { return p != nil && p.filled }

// foreseeAll prepares the groups of a plan.
func foreseeAll(p *Plan) map[liveGroup]*foreseen {
	groups := make(map[liveGroup]*foreseen)
	for _, step := range p.Steps {
		if step.Action != ActionApply && step.Action != ActionStatus {
			continue
		}
		f, ok := groups[groupOfStep(step)]
		if !ok {
			f = &foreseen{objects: make(map[string]*prospect)}
			groups[groupOfStep(step)] = f
		}
		object := f.objects[step.Object.Name]
		if object == nil {
			object = &prospect{}
			f.objects[step.Object.Name] = object
		}
		if step.Action == ActionStatus {
			object.status = step
			continue
		}
		object.apply = step
		f.applies++
	}
	return groups
}

// foresee lists the group of a step when the first of its steps comes to it.
func (w *worker) foresee(ctx context.Context, step *Step) *foreseen {
	f := w.groups[groupOfStep(step)]
	if f == nil || f.applies < leastInGroup {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listed {
		return f
	}
	f.listed = true

	_, _ = w.eachLive(ctx, groupOfStep(step), f.applies, func(found map[string]any) { // else they are read one by one
		if object := f.objects[text(found, "metadata", "name")]; object != nil && object.apply != nil {
			_ = appbur.Guard(func() error { w.judge(ctx, object, found); return nil })
		}
	})
	return f
}

// judge decides of one live object whether it needs no write.
func (w *worker) judge(ctx context.Context, object *prospect, found map[string]any) {
	if text(found, "metadata", "deletionTimestamp") != "" {
		return
	}
	object.filled = object.status != nil && isFilled(object.status, found)

	step := object.apply
	a := &stepResult{step: step}
	content, err := w.withOwners(ctx, a, learned{})
	if err != nil || len(list(content, "metadata", "ownerReferences")) != len(step.Details().Owners) {
		return // an owner that this run makes
	}
	content = withLiveStatus(withLiveOwners(content, found), found)
	if content, err = withDefaults(step, content, found); err != nil {
		return
	}
	if w.isAsPlanned(step, content, found) {
		identity := identityOf(found)
		object.settled = &identity
	}
}

// isSettled reports whether the list showed that an object needs no write. It says so once, because a
// restore asks once for each of its objects, and what it was told is all that it needs.
func (w *worker) isSettled(ctx context.Context, step *Step) (Identity, bool) {
	f := w.foresee(ctx, step)
	if f == nil || step.Action != ActionApply {
		return Identity{}, false
	}
	object := f.objects[step.Object.Name]
	if object == nil || object.settled == nil {
		return Identity{}, false
	}
	identity := *object.settled
	object.settled = nil
	return identity, true
}
