package pointrequest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	v1 "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// Asker asks for a restore point.
type Asker struct {
	Leases v1.LeaseInterface
	// Name is that of the Lease.
	Name   string
	Now    func() time.Time
	Random io.Reader
	// Waits hears who leads, when that is known and whenever it changes; it may be nil.
	Waits func(leader string)
}

var (
	// ErrNoLease means that there is no Lease to ask at.
	ErrNoLease = errors.New("there is no such Lease")
	// ErrNobodyLeads means that no process renews the Lease.
	ErrNobodyLeads = errors.New("no daemon leads")
	// ErrNoAnswer means that the leader did not answer in time.
	ErrNoAnswer = errors.New("the daemon did not answer in time")
	// ErrTakenBack means that somebody else took the request away.
	ErrTakenBack = errors.New("the request was taken from the Lease without an answer")
)

// FailedError is the answer of a daemon that made no point, or one that does not count yet, which the answer names.
type FailedError struct{ Answer Answer }

func (e *FailedError) Error() string {
	if e.Answer.Point != "" {
		return fmt.Sprintf("the daemon %s made %s, which does not count yet: %s", e.Answer.By, e.Answer.Point, e.Answer.Error)
	}
	return fmt.Sprintf("the daemon %s made no restore point: %s", e.Answer.By, e.Answer.Error)
}

// lookEvery is between two looks at the Lease.
const lookEvery = 500 * time.Millisecond

// Ask asks, and waits for the answer until ctx ends.
func (a *Asker) Ask(ctx context.Context) (Answer, error) {
	if _, err := a.Leases.Get(ctx, a.Name, metav1.GetOptions{}); err != nil {
		return Answer{}, a.explain(err)
	}
	digits := make([]byte, 8)
	if _, err := io.ReadFull(a.Random, digits); err != nil {
		return Answer{}, fmt.Errorf("asking for a restore point: %w", err)
	}
	id := hex.EncodeToString(digits)
	text := string(encode(request{At: a.Now().UTC()}))
	lease, err := a.annotate(ctx, RequestPrefix+id, &text)
	if err != nil {
		return Answer{}, a.explain(err)
	}

	answer, err := a.wait(ctx, id, lease)
	if err != nil {
		answer, err = a.takeBack(ctx, id, err)
	}
	if err == nil && answer.Error != "" {
		return answer, appbur.WithHint(&FailedError{answer}, answer.Hint)
	}
	return answer, err
}

// annotate sets an annotation of the Lease, or takes it away, and returns the Lease as it is then.
func (a *Asker) annotate(ctx context.Context, key string, value *string) (*coordination.Lease, error) {
	return a.Leases.Patch(ctx, a.Name, types.MergePatchType, merge(map[string]*string{key: value}), metav1.PatchOptions{})
}

// explain says what an error of the API server means here.
func (a *Asker) explain(err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("the Lease %s: %w", a.Name, ErrNoLease)
	}
	return fmt.Errorf("asking at the Lease %s: %w", a.Name, err)
}

// wait waits for the answer.
func (a *Asker) wait(ctx context.Context, id string, lease *coordination.Lease) (Answer, error) {
	pulse := newPulse(lease, a.Now())
	told := ""
	for {
		answer, found, err := answered(lease, id)
		switch {
		case found && err != nil:
			return Answer{}, fmt.Errorf("reading the answer on the Lease %s: %w", a.Name, err)
		case found:
			_, _ = a.annotate(ctx, AnswerPrefix+id, nil) // one that stays is taken away later
			return answer, nil
		case pending(lease)[id] == "":
			return Answer{}, ErrTakenBack
		}
		if dead := pulse.stopped(lease, a.Now()); dead != nil {
			return Answer{}, dead
		}
		if leader := holder(lease); leader != told && leader != "" && a.Waits != nil {
			a.Waits(leader)
			told = leader
		}

		if err := backoff.Sleep(ctx, lookEvery); err != nil {
			return Answer{}, err
		}
		switch next, err := a.Leases.Get(ctx, a.Name, metav1.GetOptions{}); {
		case err == nil:
			lease = next
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
			return Answer{}, a.explain(err)
		default:
			pulse.reset(a.Now()) // who does not see the Lease does not know whether it is renewed
		}
	}
}

// takeBackLimit bounds how long a request is taken back.
const takeBackLimit = 10 * time.Second

// takeBack takes a request away, so that no point is made that nobody waits for, and returns why, or the answer if there is one
// by now.
func (a *Asker) takeBack(ctx context.Context, id string, why error) (Answer, error) {
	if errors.Is(why, context.DeadlineExceeded) {
		why = ErrNoAnswer
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackLimit)
	defer cancel()
	lease, err := a.annotate(ctx, RequestPrefix+id, nil)
	if err != nil {
		return Answer{}, why
	}
	if answer, found, err := answered(lease, id); found && err == nil {
		return answer, nil
	}
	return Answer{}, why
}
