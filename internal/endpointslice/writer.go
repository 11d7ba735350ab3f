package endpointslice

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	v1 "k8s.io/client-go/kubernetes/typed/discovery/v1"
	"k8s.io/client-go/rest"
)

// Options say which Service is meant.
type Options struct {
	// Namespace and Service are those of the Service. The EndpointSlice has the same name.
	Namespace, Service string
	// Port is the name of the Service's port.
	Port string
	// Confirm returns an error if this process does not lead any more; nil where it leads in any case.
	Confirm func(context.Context) error
	// Hint is the next step after an error; it may be nil.
	Hint func(error) string
	Log  *slog.Logger
}

// Writer writes the EndpointSlice.
type Writer struct {
	o      Options
	slices v1.EndpointSliceInterface
	// told is what the last failure was.
	told string
}

const (
	// lookEvery is how often it is looked whether the Service still leads here.
	lookEvery = 10 * time.Second
	// retryAfter is how long after a failure the next try is.
	retryAfter = time.Second
	// answerWithin is how long a request may take.
	answerWithin = 5 * time.Second
)

// New returns a writer for a cluster. A request that gets no answer is tried again on another connection: HTTP/2 would go
// on with one whose other side is gone.
func New(config *rest.Config, o Options) (*Writer, error) {
	config = rest.CopyConfig(config)
	config.Timeout = answerWithin
	config.NextProtos = []string{"http/1.1"}
	client, err := v1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("leading the Service %s here: %w", o.Service, err)
	}
	return newWriter(client.EndpointSlices(o.Namespace), o), nil
}

func newWriter(slices v1.EndpointSliceInterface, o Options) *Writer {
	if o.Confirm == nil {
		o.Confirm = func(context.Context) error { return nil }
	}
	if o.Hint == nil {
		o.Hint = func(error) string { return "" }
	}
	return &Writer{o: o, slices: slices}
}

// Hold leads the Service to an address until ctx ends.
func (w *Writer) Hold(ctx context.Context, to netip.AddrPort) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	for {
		next := lookEvery
		changed, err := w.ensure(ctx, to)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			next = retryAfter
			w.tell(err)
		case changed:
			w.told = ""
			w.o.Log.Info("the Service leads here", "service", w.o.Namespace+"/"+w.o.Service, "address", to.String())
		}

		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			w.leave(ctx, to)
			return
		case <-timer.C:
		}
	}
}

// tell logs a failure once.
func (w *Writer) tell(err error) {
	if w.told == err.Error() {
		return
	}
	w.told = err.Error()
	w.o.Log.Warn("the Service does not lead here", "service", w.o.Namespace+"/"+w.o.Service, "reason", err.Error(), "hint", w.o.Hint(err))
}

// ensure has the Service lead to an address, and reports whether something had to be changed for it.
func (w *Writer) ensure(ctx context.Context, to netip.AddrPort) (changed bool, err error) {
	slice, err := w.slices.Get(ctx, w.o.Service, metav1.GetOptions{})
	if err == nil && w.leads(slice, to) {
		return false, nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("reading its EndpointSlice: %w", err)
	}
	if over := w.o.Confirm(ctx); over != nil {
		return false, over
	}

	if err != nil {
		if _, err := w.slices.Create(ctx, w.slice(to), metav1.CreateOptions{}); err != nil {
			return false, fmt.Errorf("making its EndpointSlice: %w", err)
		}
		return true, nil
	}
	if want := w.slice(to).AddressType; slice.AddressType != want {
		return false, fmt.Errorf("its EndpointSlice has addresses of %s, and this is %s: it has to be deleted once", slice.AddressType, want)
	}
	w.lead(slice, to)
	if _, err := w.slices.Update(ctx, slice, metav1.UpdateOptions{}); err != nil {
		return false, fmt.Errorf("changing its EndpointSlice: %w", err)
	}
	return true, nil
}

// leave takes the address out, unless somebody else has taken over. Where it fails, the next leader replaces it.
func (w *Writer) leave(ctx context.Context, to netip.AddrPort) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	slice, err := w.slices.Get(ctx, w.o.Service, metav1.GetOptions{})
	if err != nil || !w.leads(slice, to) {
		return
	}
	slice.Endpoints = []discoveryv1.Endpoint{}
	_, _ = w.slices.Update(ctx, slice, metav1.UpdateOptions{})
}
