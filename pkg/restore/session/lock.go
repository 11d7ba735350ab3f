package session

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/restore"
)

// Options say how the lock is taken and kept.
type Options struct {
	Now    func() time.Time
	Random io.Reader
	// TakeOver takes the lock also from one who holds it.
	TakeOver bool
	// Gone reports whether a process of this machine has certainly ended; nil knows of none.
	Gone func(process string) bool
	// Duration is how long the lock outlives its last renewal, Fresh how long before a write it may
	// have been renewed. Zero means a minute and a second.
	Duration, Fresh time.Duration
}

const (
	defaultDuration = time.Minute
	defaultFresh    = time.Second
	// renewals is how often a lock is renewed in its duration.
	renewals = 6
	// takes bounds the attempts of two who take the lock at the same moment.
	takes = 10
	// releaseTime is how long the end of a run waits for a server that does not answer.
	releaseTime = 10 * time.Second
)

// Taken says how the lock was taken.
type Taken struct {
	// From is who held it before and has not released it, nil if it was free.
	From *Holder
	// Why says why it could be taken from them: expired, ended, or taken over.
	Why string
}

// The reasons to take a lock that was not released.
const (
	Expired   = "expired"
	Ended     = "ended"
	TakenOver = "taken over"
)

// Lock is a lock that this run holds.
type Lock struct {
	cluster restore.Cluster
	o       Options

	mu      sync.Mutex
	lease   lease
	renewed time.Time
	lost    error
	cancel  context.CancelCauseFunc // of the run; nil before Hold
}

// Take takes the lock of the target. The error is a [HeldError] while somebody else has it.
func Take(ctx context.Context, c restore.Cluster, who Holder, o Options) (*Lock, Taken, error) {
	if o.Duration == 0 {
		o.Duration = defaultDuration
	}
	if o.Fresh == 0 {
		o.Fresh = defaultFresh
	}
	var id [16]byte
	if _, err := io.ReadFull(o.Random, id[:]); err != nil {
		return nil, Taken{}, err
	}
	l := &Lock{cluster: c, o: o}
	own := hex.EncodeToString(id[:])

	for try := 0; ; try++ {
		taken, err := l.take(ctx, own, who)
		if err == nil || !passes(err) || try == takes {
			return l, taken, err
		}
		if err := backoff.Sleep(ctx, pauses.Delay(try)); err != nil {
			return nil, Taken{}, err
		}
	}
}

var pauses = backoff.Backoff{First: 50 * time.Millisecond, Most: 2 * time.Second}

// passes reports whether the next attempt may say something else: a server that is busy, or
// another client that was faster. A webhook whose backend is down stays so for longer.
func passes(err error) bool {
	return !restore.IsAdmission(err) && (restore.IsTransient(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err))
}

// take makes one attempt.
func (l *Lock) take(ctx context.Context, own string, who Holder) (Taken, error) {
	content, err := l.cluster.Get(ctx, leaseID, leaseVersion)
	absent := apierrors.IsNotFound(err)
	if err != nil && !absent {
		return Taken{}, err
	}
	before := lease{}
	var taken Taken
	if !absent {
		before = readLease(content)
		if before.holder != "" && before.holder != own {
			if taken, err = l.from(ctx, before); err != nil {
				return Taken{}, err
			}
		}
	}

	now := l.o.Now()
	next := before
	next.holder, next.who, next.duration, next.acquired = own, who, l.o.Duration, microTime(now)
	if !absent {
		next.transitions++
	}
	return taken, l.write(ctx, next, absent, now)
}

// from decides whether the lock can be taken from who holds it.
func (l *Lock) from(ctx context.Context, held lease) (Taken, error) {
	taken := Taken{From: &held.who}
	if l.o.Gone != nil && held.who.Process != "" && l.o.Gone(held.who.Process) {
		taken.Why = Ended
		return taken, nil
	}
	now, err := l.serverTime(ctx)
	if err != nil {
		return Taken{}, err
	}
	age := now.Sub(held.written)
	switch {
	case age > held.duration:
		taken.Why = Expired
	case l.o.TakeOver:
		taken.Why = TakenOver
	default:
		return Taken{}, &HeldError{By: held.who, Age: max(age, 0)}
	}
	return taken, nil
}

// serverTime reads the clock of the API server: a Lease that is created on trial is dated by it.
func (l *Lock) serverTime(ctx context.Context) (time.Time, error) {
	trial := leaseID
	trial.Name += "-clock"
	content := lease{}.content(time.Time{})
	dict(content["metadata"])["name"] = trial.Name
	answer, err := l.cluster.Apply(ctx, restore.Request{
		By: restore.ByCreate, Object: trial, APIVersion: leaseVersion, Content: content, DryRun: true, Full: true,
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the clock of the target: %w", err)
	}
	return time.Parse(time.RFC3339, text(dict(answer.Object["metadata"])["creationTimestamp"]))
}

// write writes the Lease, on the condition that it is the one that was read. The caller has the
// lock of the struct, or is the only one who knows it.
func (l *Lock) write(ctx context.Context, next lease, create bool, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, l.o.Duration/renewals)
	defer cancel()
	request := restore.Request{By: restore.ByUpdate, Object: leaseID, APIVersion: leaseVersion, Content: next.content(now), Full: true}
	if create {
		request.By = restore.ByCreate
	}
	answer, err := l.cluster.Apply(ctx, request)
	if err != nil {
		return err
	}
	next.uid, next.version = answer.UID, answer.ResourceVersion
	l.lease, l.renewed = next, now
	return nil
}

// Hold renews the lock until end is called, which releases it. The context ends when the lock is
// lost, with [ErrLost] as its cause.
func (l *Lock) Hold(parent context.Context) (ctx context.Context, end func() error) {
	ctx, cancel := context.WithCancelCause(parent)
	l.mu.Lock()
	l.cancel = cancel
	l.mu.Unlock()
	done := make(chan struct{})
	renewing, stop := context.WithCancel(ctx)
	go func() {
		defer close(done)
		for backoff.Sleep(renewing, l.o.Duration/renewals) == nil {
			_ = l.Confirm(renewing) // it ends the run by itself
		}
	}()
	return ctx, func() error {
		stop()
		<-done
		cancel(nil)
		return l.release(context.WithoutCancel(parent))
	}
}

// Confirm makes sure that the lock is held, and renews it unless that was done a moment ago. It
// is called before each write.
func (l *Lock) Confirm(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now()
	if l.lost != nil || now.Sub(l.renewed) < l.o.Fresh {
		return l.lost
	}
	err := l.renew(ctx, now)
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case !errors.Is(err, ErrLost) && l.stillHeld(ctx):
		// It cannot be renewed, and may expire; as long as nobody has taken it, it is held.
		l.renewed = now
		return nil
	case passes(err) && l.o.Now().Sub(l.renewed) < l.o.Duration/2:
		return nil // nobody else can have it yet, and the write meets the same trouble
	case !errors.Is(err, ErrLost):
		err = fmt.Errorf("%w: it could not be renewed for %s: %w", ErrLost, l.o.Now().Sub(l.renewed).Round(time.Second), err)
	}
	l.lost = err
	if l.cancel != nil {
		l.cancel(err)
	}
	return err
}

// stillHeld reads whether the lock is with this run.
func (l *Lock) stillHeld(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, l.o.Duration/renewals)
	defer cancel()
	content, err := l.cluster.Get(ctx, leaseID, leaseVersion)
	return err == nil && readLease(content).holder == l.lease.holder
}

// renew writes the Lease anew.
func (l *Lock) renew(ctx context.Context, now time.Time) error {
	err := l.write(ctx, l.lease, false, now)
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%w: somebody deleted its Lease", ErrLost)
	case !apierrors.IsConflict(err):
		return err
	}

	content, err := l.cluster.Get(ctx, leaseID, leaseVersion)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: somebody deleted its Lease", ErrLost)
	}
	if err != nil {
		return err
	}
	live := readLease(content)
	switch {
	case live.holder == "":
		return fmt.Errorf("%w: somebody released it", ErrLost)
	case live.holder != l.lease.holder:
		return fmt.Errorf("%w: %s", ErrLost, live.who)
	}
	next := l.lease // of a renewal whose answer was lost, or with a label of somebody
	next.uid, next.version = live.uid, live.version
	return l.write(ctx, next, false, now)
}

// release gives the lock back. One that is lost is not touched.
func (l *Lock) release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	own := l.lease.holder
	for try := 0; ; try++ {
		free := l.lease
		free.holder = ""
		err := l.write(ctx, free, false, l.o.Now())
		if err == nil || !passes(err) || try == takes {
			return err
		}
		if content, err := l.cluster.Get(ctx, leaseID, leaseVersion); err == nil {
			live := readLease(content)
			if live.holder != own {
				return nil
			}
			l.lease.uid, l.lease.version = live.uid, live.version
		}
		if err := backoff.Sleep(ctx, pauses.Delay(try)); err != nil {
			return err
		}
	}
}

// Cluster returns the cluster with the lock confirmed before each write.
func (l *Lock) Cluster() restore.Cluster { return locked{l.cluster, l} }

type locked struct {
	restore.Cluster
	lock *Lock
}

// Apply implements [restore.Cluster].
func (c locked) Apply(ctx context.Context, r restore.Request) (restore.Applied, error) {
	if !r.DryRun {
		if err := c.lock.Confirm(ctx); err != nil {
			return restore.Applied{}, err
		}
	}
	return c.Cluster.Apply(ctx, r)
}

// Delete implements [restore.Cluster].
func (c locked) Delete(ctx context.Context, d restore.Deletion) (bool, error) {
	if err := c.lock.Confirm(ctx); err != nil {
		return false, err
	}
	return c.Cluster.Delete(ctx, d)
}
