package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// send performs one apply, as often as it takes. What was made of an object as it was read
// is not repeated after another client has written it, because it would be as old each time:
// the caller builds it again ([worker.readAndWrite]).
func (w *worker) send(ctx context.Context, a *stepResult, request Request) (Applied, error) {
	var answer Applied
	var raced error
	err := w.persist(ctx, a, func() error {
		var err error
		answer, err = w.cluster.Apply(ctx, request)
		a.requests++
		if isLostRace(request.By, err) {
			raced, err = a.step.redaction.error(err), nil
		}
		return err
	})
	if raced != nil {
		return Applied{}, raced
	}
	return answer, err
}

// isLostRace reports whether the error says that what was sent is too old. A create may be
// refused for a conflict of another object, such as a quota that counts it.
func isLostRace(by Way, err error) bool {
	switch by {
	case ByCreate:
		return apierrors.IsAlreadyExists(err)
	case ByUpdate, ByMerge:
		return isRaced(err)
	case ByApply:
	}
	return false
}

// readAndWrite reads an object and writes what is made of it, again and again while others
// write in between.
func (w *worker) readAndWrite(ctx context.Context, a *stepResult, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if !isRaced(err) {
			return err
		}
		if try == maxAttempts {
			return fmt.Errorf("given up after %d attempts: %w", try, err)
		}
		if err := backoff.Sleep(ctx, delay(try, a.step.ID)); err != nil {
			return err
		}
	}
}

// inventory lists a type once per run.
func (w *worker) inventory(ctx context.Context, a *stepResult, apiVersion, kind string) (map[appbur.ObjectID]Identity, error) {
	key := typeKey{apiVersion, kind}
	w.mu.Lock()
	i, ok := w.existing[key]
	if !ok {
		i = &inventory{}
		w.existing[key] = i
	}
	w.mu.Unlock()

	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known != nil {
		return i.known, nil
	}
	err := w.persist(ctx, a, func() error {
		known, err := w.cluster.Existing(ctx, apiVersion, kind)
		if apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err) || errors.Is(err, ErrUnconverted) {
			// An account that may apply and not list gets a restore that cannot distinguish unchanged
			// from configured.
			known, err = map[appbur.ObjectID]Identity{}, nil
		}
		i.known = known
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for what exists of %s: %w", kind, err)
	}
	return i.known, nil
}

// persist repeats a request while its error is one that passes by itself.
func (w *worker) persist(ctx context.Context, a *stepResult, request func() error) error {
	tries, throttled := 0, 0
	for {
		if err := w.limiter.wait(ctx); err != nil {
			return err
		}
		err := a.step.redaction.error(request())
		if err == nil {
			w.limiter.answered()
			return nil
		}

		if ctx.Err() != nil {
			return ctx.Err()
		}
		rule := transient(err)
		if rule == nil && awaitsType(a.step, err) {
			rule = &untilServed
		}
		if rule == nil {
			w.limiter.answered()
			return err
		}

		pause := delay(tries+throttled+1, a.step.ID)
		if seconds, ok := apierrors.SuggestsClientDelay(err); ok && seconds > 0 {
			pause = time.Duration(seconds) * time.Second
		}
		if rule.throttle {
			throttled++
			w.limiter.throttled(pause)
		} else {
			tries++
		}

		if tries >= w.silent.attempts(err) || throttled >= maxThrottled {
			w.silent.giveUp(err)
			return fmt.Errorf("given up after %d attempts: %w", tries+throttled, err)
		}
		w.waiting(ctx, a.step, rule, err)
		if !rule.throttle {
			if err := backoff.Sleep(ctx, pause); err != nil {
				return err
			}
		}
	}
}

// untilServed is the rule for kinds whose definition was restored a moment ago.
var untilServed = retryRule{
	name: "not-served-yet", reason: "a new definition is served some moments after it is established",
}

// awaitsType reports whether the error says that the kind is not served although
// the step comes after what makes it served.
func awaitsType(step *Step, err error) bool {
	if !strings.Contains(step.Object.Group, ".") || len(step.Needs) == 0 {
		return false
	}
	return errors.Is(err, ErrNotServed) || apierrors.IsNotFound(err) && mentions(err, "could not find the requested resource")
}

// waiting reports that a request will be repeated.
func (w *worker) waiting(ctx context.Context, step *Step, rule *retryRule, err error) {
	if w.notify != nil {
		w.notify(ctx, Event{
			Kind: EventWaiting, Step: step.ID, Action: step.Action, Object: step.Object, Retry: rule.name,
			Reason: fmt.Sprintf("%s: %v", rule.name, step.redaction.error(err)),
		})
	}
}
