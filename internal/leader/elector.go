package leader

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	v1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Elector takes part in the election.
type Elector struct {
	o Options
	// leases are those of the namespace.
	leases v1.LeaseInterface

	mu sync.Mutex
	// term is nil while this process does not lead.
	term *term
	// renewed is when the last request was sent that made this process the holder, transitions how often the Lease had changed
	// hands by then.
	renewed     time.Time
	transitions int32
	// heard is when the API server last answered for the Lease, failed why it does not, holder what it said.
	heard  time.Time
	failed error
	holder string
	// refused is what the account may not do with the Lease, by what it tried last.
	refused map[string]error
	// observe is shown the Lease whenever this process is seen to hold it; it may be nil.
	observe func(*coordination.Lease)
}

// New returns an elector for a cluster.
func New(config *rest.Config, o Options) (*Elector, error) {
	leases, err := leasesOf(config, o)
	if err != nil {
		return nil, err
	}
	return newElector(leases, o)
}

func newElector(leases v1.LeaseInterface, o Options) (*Elector, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Changed == nil {
		o.Changed = func(bool) {}
	}
	return &Elector{o: o, leases: leases, heard: o.Now(), refused: make(map[string]error)}, nil
}

// Lease is where the election is.
func (e *Elector) Lease() types.NamespacedName {
	return types.NamespacedName{Namespace: e.o.Namespace, Name: e.o.Name}
}

// Run has work done whenever this process leads, and waits for its turn otherwise, until ctx ends. An error of
// work ends it too, and lets the next process lead at once.
func (e *Elector) Run(ctx context.Context, work Work) error {
	e.o.Changed(false)
	for {
		err := e.lead(ctx, work)
		switch {
		case errors.Is(err, ErrLost) && ctx.Err() == nil:
			e.o.Log.Warn("this process does not write any more, and stands by", "lease", e.name(), "reason", err.Error())
		case errors.Is(err, ErrLost):
			return nil
		default:
			return err
		}
	}
}

// Observe has the Lease shown to somebody, as often as it is renewed, while this process holds it. nil ends that.
func (e *Elector) Observe(observe func(*coordination.Lease)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.observe = observe
}

// Identity is what the Lease calls this process.
func (e *Elector) Identity() string { return e.o.Identity }

// Patch changes the Lease.
func (e *Elector) Patch(ctx context.Context, how types.PatchType, patch []byte) error {
	_, err := e.leases.Patch(ctx, e.o.Name, how, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("changing the Lease %s: %w", e.name(), err)
	}
	return nil
}

func (e *Elector) name() string { return e.o.Namespace + "/" + e.o.Name }

// lead waits until this process is elected, does the work once, and gives the Lease up.
func (e *Elector) lead(ctx context.Context, work Work) error {
	// The Lease is renewed until the work has ended, whatever ended it.
	holding, letGo := context.WithCancel(context.WithoutCancel(ctx))
	defer letGo()
	elected := make(chan struct{})
	election, err := leaderelection.NewLeaderElector(e.config(func() { close(elected) }))
	if err != nil {
		return fmt.Errorf("electing a leader: %w", err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		election.Run(holding)
	}()

	select {
	case <-ctx.Done():
		letGo()
		<-over
		e.release(ctx) // it may have been elected just now
		return nil
	case <-elected:
	}
	t := e.begin(ctx)
	err = work(t.ctx)
	e.end(t)
	letGo()
	<-over
	e.release(ctx)

	if cause := context.Cause(t.ctx); errors.Is(cause, ErrLost) {
		return cause
	}
	return err
}

func (e *Elector) config(elected func()) leaderelection.LeaderElectionConfig {
	lock := &resourcelock.LeaseLock{
		Client: observedLeases{e.leases, e}, LockConfig: resourcelock.ResourceLockConfig{Identity: e.o.Identity},
	}
	lock.LeaseMeta.Namespace, lock.LeaseMeta.Name = e.o.Namespace, e.o.Name
	return leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: e.o.LeaseDuration, RenewDeadline: e.o.RenewDeadline, RetryPeriod: e.o.RetryPeriod, Name: e.o.Name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { elected() },
			OnStoppedLeading: func() {},
			OnNewLeader:      e.tell,
		},
	}
}

// tell logs who leads, if that is somebody else.
func (e *Elector) tell(identity string) {
	if identity != "" && identity != e.o.Identity {
		e.o.Log.Info("another process leads; this one stands by", "lease", e.name(), "leader", identity)
	}
}
