package leader

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	v1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// leaseInMemory is an API server with one Lease, which writes only on top of what was read.
type leaseInMemory struct {
	mu    sync.Mutex
	lease *coordination.Lease
}

var leaseResource = coordination.Resource("leases")

func (s *leaseInMemory) get(name string) (*coordination.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease == nil {
		return nil, apierrors.NewNotFound(leaseResource, name)
	}
	return s.lease.DeepCopy(), nil
}

func (s *leaseInMemory) put(lease *coordination.Lease, create bool) (*coordination.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	version := ""
	if s.lease != nil {
		version = s.lease.ResourceVersion
	}
	switch {
	case create && s.lease != nil:
		return nil, apierrors.NewAlreadyExists(leaseResource, lease.Name)
	case !create && lease.ResourceVersion != version:
		return nil, apierrors.NewConflict(leaseResource, lease.Name, errors.New("it has changed"))
	}
	n, _ := strconv.Atoi(version)
	s.lease = lease.DeepCopy()
	s.lease.ResourceVersion = strconv.Itoa(n + 1)
	return s.lease.DeepCopy(), nil
}

// hold makes somebody else the holder.
func (s *leaseInMemory) hold(identity string) {
	lease, err := s.get("")
	if err != nil {
		panic(err)
	}
	lease.Spec.HolderIdentity = &identity
	if identity != "" { // who takes it counts
		now := transitions(lease) + 1
		lease.Spec.LeaseTransitions = &now
	}
	if _, err := s.put(lease, false); err != nil {
		panic(err)
	}
}

// behaviour is how a server is seen from one process.
type behaviour int

const (
	answers behaviour = iota
	refuses
	isSilent
)

// leasesInMemory is the way of one process to the server.
type leasesInMemory struct {
	v1.LeaseInterface
	server *leaseInMemory

	mu  sync.Mutex
	how behaviour
}

func (l *leasesInMemory) set(how behaviour) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.how = how
}

func (l *leasesInMemory) reach(ctx context.Context) error {
	l.mu.Lock()
	how := l.how
	l.mu.Unlock()
	switch how {
	case refuses:
		return errors.New("connection refused")
	case isSilent:
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(requestLimit(10 * time.Second)):
			return errors.New("request timed out")
		}
	default:
		return nil
	}
}

// Get implements [v1.LeaseInterface].
func (l *leasesInMemory) Get(ctx context.Context, name string, _ metav1.GetOptions) (*coordination.Lease, error) {
	if err := l.reach(ctx); err != nil {
		return nil, err
	}
	return l.server.get(name)
}

// Create implements [v1.LeaseInterface].
func (l *leasesInMemory) Create(ctx context.Context, lease *coordination.Lease, _ metav1.CreateOptions) (*coordination.Lease, error) {
	if err := l.reach(ctx); err != nil {
		return nil, err
	}
	return l.server.put(lease, true)
}

// Update implements [v1.LeaseInterface].
func (l *leasesInMemory) Update(ctx context.Context, lease *coordination.Lease, _ metav1.UpdateOptions) (*coordination.Lease, error) {
	if err := l.reach(ctx); err != nil {
		return nil, err
	}
	return l.server.put(lease, false)
}
