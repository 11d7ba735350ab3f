package leader

import (
	"context"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	v1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
)

// leasesOf connects to the Leases of a namespace. A request that gets no answer leaves time for a second one, on another
// connection: HTTP/2 would go on with one whose other side is gone, until a ping tells.
func leasesOf(config *rest.Config, o Options) (v1.LeaseInterface, error) {
	config = rest.CopyConfig(config)
	config.Timeout = requestLimit(o.RenewDeadline)
	config.NextProtos = []string{"http/1.1"}
	client, err := v1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("electing a leader: %w", err)
	}
	return client.Leases(o.Namespace), nil
}

// requestLimit is how long a request may take.
func requestLimit(deadline time.Duration) time.Duration { return deadline / 3 }

// observedLeases are those that the election reads and writes; the elector looks over its shoulder.
type observedLeases struct {
	v1.LeaseInterface
	elector *Elector
}

// Leases implements [v1.LeasesGetter].
func (l observedLeases) Leases(string) v1.LeaseInterface { return l }

// Get implements [v1.LeaseInterface].
func (l observedLeases) Get(ctx context.Context, name string, o metav1.GetOptions) (*coordination.Lease, error) {
	lease, err := l.LeaseInterface.Get(ctx, name, o)
	l.elector.mind("read", err)
	l.elector.hear(lease, err)
	return lease, err
}

// Create implements [v1.LeaseInterface].
func (l observedLeases) Create(ctx context.Context, lease *coordination.Lease, o metav1.CreateOptions) (*coordination.Lease, error) {
	sent := l.elector.o.Now()
	written, err := l.LeaseInterface.Create(ctx, lease, o)
	l.elector.mind("created", err)
	l.elector.renew(sent, written, err)
	return written, err
}

// Update implements [v1.LeaseInterface].
func (l observedLeases) Update(ctx context.Context, lease *coordination.Lease, o metav1.UpdateOptions) (*coordination.Lease, error) {
	sent := l.elector.o.Now()
	written, err := l.LeaseInterface.Update(ctx, lease, o)
	l.elector.mind("updated", err)
	l.elector.renew(sent, written, err)
	return written, err
}

// mind notes, and says once, what the account may not do. A process that may read the Lease and not write it would stand
// by for ever, and look like one that may lead.
func (e *Elector) mind(done string, err error) {
	e.mu.Lock()
	known := e.refused[done]
	if apierrors.IsForbidden(err) {
		e.refused[done] = err
	} else {
		delete(e.refused, done)
	}
	e.mu.Unlock()

	if known == nil && apierrors.IsForbidden(err) {
		e.o.Log.Error("this process cannot lead: the Lease may not be "+done, "lease", e.name(), "reason", err.Error())
	}
}

// hear notes how the Lease is.
func (e *Elector) hear(lease *coordination.Lease, err error) {
	e.mu.Lock()
	switch {
	case err == nil:
		e.heard, e.failed, e.holder = e.o.Now(), nil, holder(lease)
	case apierrors.IsNotFound(err), apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		e.heard, e.failed = e.o.Now(), nil
	default:
		e.failed = err
	}
	observe, t := e.observe, e.term
	e.mu.Unlock()
	if err != nil || t == nil {
		return
	}

	if over := e.judge(t, lease); over != nil {
		t.lose(over)
		return
	}
	if observe != nil {
		observe(lease.DeepCopy())
	}
}

// renew notes that this process holds the Lease since a request was sent.
func (e *Elector) renew(sent time.Time, lease *coordination.Lease, err error) {
	if err == nil && holder(lease) == e.o.Identity {
		e.mu.Lock()
		switch {
		case e.term == nil:
			e.renewed, e.transitions = sent, transitions(lease)
		case e.term.transitions == transitions(lease):
			e.renewed = sent
			if e.term.ctx.Err() == nil {
				e.term.deadline.Reset(e.left())
			}
		}
		e.mu.Unlock()
	}
	e.hear(lease, err)
}

// transitions is how often a Lease has changed hands.
func transitions(lease *coordination.Lease) int32 {
	if lease.Spec.LeaseTransitions == nil {
		return 0
	}
	return *lease.Spec.LeaseTransitions
}

// judge returns why a term is over, going by the Lease. One that was lost and won again is another term: somebody else may have
// written in between.
func (e *Elector) judge(t *term, lease *coordination.Lease) error {
	switch {
	case holder(lease) != e.o.Identity:
		return lost("the Lease %s is held by %s", e.name(), who(holder(lease)))
	case transitions(lease) != t.transitions:
		return lost("the Lease %s was lost, and won again", e.name())
	default:
		return nil
	}
}

func holder(lease *coordination.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

func who(holder string) string {
	if holder == "" {
		return "nobody"
	}
	return holder
}

// releaseTries is how often a Lease is given up that others change meanwhile.
const releaseTries = 5

// release gives the Lease up if this process holds it, so that nobody has to wait until it expires.
func (e *Elector) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.o.RenewDeadline)
	defer cancel()
	for range releaseTries {
		lease, err := e.leases.Get(ctx, e.o.Name, metav1.GetOptions{})
		if err != nil || holder(lease) != e.o.Identity {
			return // it expires
		}
		nobody, second, now := "", int32(1), metav1.NewMicroTime(e.o.Now())
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &nobody, &second, &now
		if _, err = e.leases.Update(ctx, lease, metav1.UpdateOptions{}); err == nil || !apierrors.IsConflict(err) {
			return
		}
	}
}
