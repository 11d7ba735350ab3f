package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// ErrStays is the error of an object that was deleted and that something still keeps. It is
// never forced.
var ErrStays = errors.New("it is being deleted, and is still there")

// goneTimeout is how long a deleted object may take to go, counted in delays.
const goneTimeout = 15 * time.Second

// prune deletes the object of a step, as it was seen: where somebody has written it since, it
// is judged again.
func (w *worker) prune(ctx context.Context, a *stepResult) error {
	p := a.step.Details().pruned
	gone, seen := false, p.identity
	if !seen.Terminating {
		err := w.readAndWrite(ctx, a, func() error {
			if seen.UID == "" {
				again, why, err := p.again(ctx)
				if err != nil || why != "" || again.UID == "" {
					gone, a.note = true, why
					return err
				}
				seen = again
			}
			var err error
			gone, err = w.deleteOnce(ctx, a, Deletion{
				Object: a.step.Object, APIVersion: a.step.APIVersion, UID: seen.UID, ResourceVersion: seen.ResourceVersion,
			})
			if isRaced(err) {
				seen = Identity{}
			}
			return err
		})
		switch {
		case err != nil && !apierrors.IsNotFound(err):
			return fmt.Errorf("deleting it: %w", err)
		case a.note != "":
			a.result = Skipped
			return nil
		case err != nil:
			gone = true
		}
	}

	a.result = Deleted
	if gone {
		return nil
	}
	return w.awaitGone(ctx, a, p.identity.UID)
}

// again judges an object anew. It says why it stays after all; no identity means that it is gone.
func (p *pruned) again(ctx context.Context) (now Identity, why string, err error) {
	live, err := p.search.read(ctx, p.id, p.apiVersion)
	if apierrors.IsNotFound(err) {
		return Identity{}, "", nil
	}
	if err != nil {
		return Identity{}, "", err
	}
	if now = identityOf(live); now.UID != p.identity.UID {
		return Identity{}, "not deleted: another object of this name was made since the plan", nil
	}
	if p.made {
		return now, "", nil
	}
	added, err := p.search.addition(p.id, p.apiVersion, live)
	if err != nil {
		return Identity{}, "", err
	}
	if added == nil || staying(p.id, live, false) != "" || now.Owners != p.identity.Owners {
		return Identity{}, "not deleted: it was changed since the plan, and is no longer what the plan deletes", nil
	}
	return now, "", nil
}

// deleteOnce sends one deletion, as often as it takes. One that somebody else overtook is not repeated.
func (w *worker) deleteOnce(ctx context.Context, a *stepResult, d Deletion) (gone bool, err error) {
	var raced error
	err = w.persist(ctx, a, func() error {
		var err error
		gone, err = w.cluster.Delete(ctx, d)
		a.requests++
		if isRaced(err) {
			raced, err = err, nil
		}
		return err
	})
	if raced != nil {
		return false, raced
	}
	return gone, err
}

// awaitGone waits until a deleted object is gone, and says what keeps it if it is not.
func (w *worker) awaitGone(ctx context.Context, a *stepResult, uid string) error {
	var waited time.Duration
	for tries := 1; ; tries++ {
		live, err := w.getter(a)(ctx, a.step.Object, a.step.APIVersion)
		switch {
		case apierrors.IsNotFound(err) || errors.Is(err, ErrNotServed):
			return nil
		case err != nil:
			return fmt.Errorf("looking whether it is gone: %w", err)
		case text(live, "metadata", "uid") != uid:
			return nil
		}

		pause := delay(min(tries, 4), a.step.ID)
		if waited += pause; waited > goneTimeout {
			if names := finalizersOf(live); len(names) > 0 {
				return fmt.Errorf("%w after %s: it waits for its finalizers %s", ErrStays, goneTimeout, appbur.Shortlist(names, shownManagers))
			}
			return fmt.Errorf("%w after %s", ErrStays, goneTimeout)
		}
		if err := backoff.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}
