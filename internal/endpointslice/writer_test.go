package endpointslice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	v1 "k8s.io/client-go/kubernetes/typed/discovery/v1"
)

var (
	here  = netip.MustParseAddrPort("10.0.0.1:9443")
	there = netip.MustParseAddrPort("10.0.0.2:9443")
)

// shelf holds one EndpointSlice, and refuses as an API server does. The real one is in internal/audit.
type shelf struct {
	v1.EndpointSliceInterface

	mu      sync.Mutex // guards what follows
	slice   *discoveryv1.EndpointSlice
	version int
	failing error
	// between is done after each reading.
	between func()
}

var resource = schema.GroupResource{Group: "discovery.k8s.io", Resource: "endpointslices"}

func (s *shelf) Get(context.Context, string, metav1.GetOptions) (*discoveryv1.EndpointSlice, error) {
	if s.between != nil {
		defer s.between()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failing != nil:
		return nil, s.failing
	case s.slice == nil:
		return nil, apierrors.NewNotFound(resource, "events")
	default:
		return s.slice.DeepCopy(), nil
	}
}

func (s *shelf) put(slice *discoveryv1.EndpointSlice) (*discoveryv1.EndpointSlice, error) {
	s.version++
	s.slice = slice.DeepCopy()
	s.slice.ResourceVersion = fmt.Sprint(s.version)
	return s.slice.DeepCopy(), nil
}

func (s *shelf) Create(_ context.Context, slice *discoveryv1.EndpointSlice, _ metav1.CreateOptions) (*discoveryv1.EndpointSlice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slice != nil {
		return nil, apierrors.NewAlreadyExists(resource, slice.Name)
	}
	return s.put(slice)
}

func (s *shelf) Update(_ context.Context, slice *discoveryv1.EndpointSlice, _ metav1.UpdateOptions) (*discoveryv1.EndpointSlice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slice == nil || s.slice.ResourceVersion != slice.ResourceVersion {
		return nil, apierrors.NewConflict(resource, slice.Name, errors.New("somebody else has changed it"))
	}
	return s.put(slice)
}

// set changes what is there.
func (s *shelf) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// leads is where the Service leads to.
func (s *shelf) leads() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slice == nil {
		return "no slice"
	}
	var list []string
	for _, endpoint := range s.slice.Endpoints {
		list = append(list, endpoint.Addresses...)
	}
	return strings.Join(list, " ")
}

func writer(s *shelf, confirm func(context.Context) error) (*Writer, *bytes.Buffer) {
	var text bytes.Buffer
	return newWriter(s, Options{
		Namespace: "n", Service: "events", Port: "audit", Confirm: confirm, Log: slog.New(slog.NewTextHandler(&text, nil)),
	}), &text
}

// held has a writer hold the Service while something is done.
func held(t *testing.T, w *Writer, to netip.AddrPort, during func()) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Hold(ctx, to)
	}()
	synctest.Wait()
	during()
	end()
	<-done
}

func TestServiceLeadsToWhoHoldsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		w, log := writer(s, nil)
		held(t, w, here, func() {
			if s.leads() != "10.0.0.1" || *s.slice.Ports[0].Name != "audit" || *s.slice.Ports[0].Port != 9443 {
				t.Errorf("it leads to %s: %+v", s.leads(), s.slice)
			}
			time.Sleep(time.Minute)
			if synctest.Wait(); s.version != 1 {
				t.Error("it is written again although it is right")
			}
			s.set(func() { s.slice = nil })
			time.Sleep(lookEvery)
			synctest.Wait()
			if s.leads() != "10.0.0.1" {
				t.Errorf("somebody deleted it, and it leads to %s", s.leads())
			}
		})
		if s.leads() != "" || strings.Count(log.String(), "the Service leads here") != 2 {
			t.Errorf("in the end it leads to %q\n%s", s.leads(), log)
		}
	})
}

// A leader that was stopped and wakes up takes nothing back, neither while it thinks that it leads nor when it ends.
func TestOldLeaderTakesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		var over atomic.Bool
		old, log := writer(s, func(context.Context) error {
			if over.Load() {
				return errors.New("it does not lead any more")
			}
			return nil
		})
		held(t, old, here, func() {
			over.Store(true)
			next, _ := writer(s, nil)
			if changed, err := next.ensure(t.Context(), there); !changed || err != nil {
				t.Fatal(changed, err)
			}
			time.Sleep(time.Minute)
			if s.leads() != "10.0.0.2" {
				t.Errorf("it leads to %s", s.leads())
			}
		})
		if s.leads() != "10.0.0.2" || strings.Count(log.String(), "it does not lead any more") != 1 {
			t.Errorf("in the end it leads to %s\n%s", s.leads(), log)
		}
	})
}

// A write replaces the version that was read.
func TestWriteBetweenReadingAndWriting(t *testing.T) {
	s := &shelf{}
	old, _ := writer(s, nil)
	if _, err := old.ensure(t.Context(), netip.MustParseAddrPort("10.0.0.3:9443")); err != nil {
		t.Fatal(err)
	}
	s.between = func() { // without the lock
		s.between = nil
		next, _ := writer(s, nil)
		if _, err := next.ensure(t.Context(), there); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := old.ensure(t.Context(), here); !apierrors.IsConflict(err) || s.leads() != "10.0.0.2" {
		t.Errorf("%v, and it leads to %s", err, s.leads())
	}
}

// What is refused is told once, and again if it is something else; then it is tried until it succeeds.
func TestRefusalIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{failing: apierrors.NewForbidden(resource, "events", nil)}
		w, log := writer(s, nil)
		held(t, w, here, func() {
			time.Sleep(time.Minute)
			s.set(func() { s.failing = nil })
			time.Sleep(retryAfter)
			synctest.Wait()
			if s.leads() != "10.0.0.1" {
				t.Errorf("it leads to %s", s.leads())
			}
		})
		if strings.Count(log.String(), "forbidden") != 1 {
			t.Errorf("it says\n%s", log)
		}
	})
}

// The family of the addresses of a slice cannot be changed.
func TestAnotherFamilyIsToldAndNotWritten(t *testing.T) {
	s := &shelf{}
	w, _ := writer(s, nil)
	if _, err := w.ensure(t.Context(), netip.MustParseAddrPort("[2001:db8::1]:9443")); err != nil || s.leads() != "2001:db8::1" {
		t.Fatal(err, s.leads())
	}
	if _, err := w.ensure(t.Context(), here); err == nil || !strings.Contains(err.Error(), "has to be deleted once") {
		t.Errorf("%v", err)
	}
}
