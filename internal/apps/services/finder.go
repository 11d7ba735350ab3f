package services

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/backoff"
)

// ErrNoService is the error of an application that no Service has the label of.
var ErrNoService = errors.New("no Service is labelled for it")

// ErrNotReady is the error of an application whose Service has no endpoint that is ready.
var ErrNotReady = errors.New("no endpoint is ready")

// ErrAmbiguous is the error of an application that several Services have the label of.
var ErrAmbiguous = errors.New("several Services are labelled for it")

// Cluster is what a finder reads.
type Cluster interface {
	// Services lists those of a namespace that a label selector matches.
	Services(ctx context.Context, namespace, selector string) ([]corev1.Service, error)
	// Slices lists the endpoints of a Service.
	Slices(ctx context.Context, namespace, service string) ([]discoveryv1.EndpointSlice, error)
	// ConfigMap reads one.
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
}

// Finder finds applications in a cluster.
type Finder struct {
	Cluster Cluster
	// Namespace is where the objects of a saved namespace are in this cluster; nil if they are in
	// that of the same name.
	Namespace func(saved string) string
}

// Found is an application, and how it is reached.
type Found struct {
	apps.Target
	// Ready of so many Endpoints could be called.
	Ready     int
	Endpoints int
}

// Find looks for one application. The error is, or wraps, one of this package if the application
// is not there, and that of the API server if that cannot be known.
func (f Finder) Find(ctx context.Context, key appbur.AppKey) (Found, error) {
	namespace := key.Namespace
	if f.Namespace != nil {
		namespace = f.Namespace(namespace)
	}
	s, err := f.service(ctx, namespace, key)
	found := Found{Target: apps.Target{
		AppKey: key, ServerName: s.serverName, SPIFFEID: s.spiffeID,
		Service: s.namespace + "/" + s.name, ServiceUID: s.uid, Datasets: s.datasets, Schedules: s.schedules,
	}}
	if err != nil {
		return found, err
	}
	if found.Roots, err = f.authority(ctx, s); err != nil {
		return found, err
	}

	list, err := f.Cluster.Slices(ctx, namespace, s.name)
	if err != nil {
		return found, fmt.Errorf("reading the endpoints of %s: %w", s, err)
	}
	endpoints := endpointsOf(list, s.port)
	found.Endpoints = len(endpoints)
	for _, e := range endpoints {
		if e.ready {
			found.Ready++
		}
	}
	if found.Ready == 0 {
		return found, appbur.WithHint(fmt.Errorf("%s: %w, of %d that are pods of the cluster", s, ErrNotReady, found.Endpoints),
			"look at the pods of the application")
	}
	found.Address = endpoints[0].address
	return found, nil
}

// service finds the one Service of an application.
func (f Finder) service(ctx context.Context, namespace string, key appbur.AppKey) (service, error) {
	if !mayBeLabel(key.Name) {
		return service{}, fmt.Errorf("%w: %q cannot be the value of a label", ErrNoService, key.Name)
	}
	list, err := f.Cluster.Services(ctx, namespace, selector(key.Name))
	switch {
	case err != nil:
		return service{}, fmt.Errorf("looking for the Service of %s: %w", key, err)
	case len(list) == 0:
		err := fmt.Errorf("%w: none in the namespace %s has the label %s", ErrNoService, namespace, selector(key.Name))
		return service{}, appbur.WithHint(err, "label the Service of the application")
	case len(list) > 1:
		names := make([]string, len(list))
		for i, s := range list {
			names[i] = s.Name
		}
		return service{}, appbur.WithHint(fmt.Errorf("%w: %s in the namespace %s", ErrAmbiguous, appbur.Shortlist(names, len(names)), namespace),
			"take the label "+LabelApp+" from all of them but one")
	}
	return parse(&list[0])
}

// authority reads who signed the certificate, nil if the Service does not say.
func (f Finder) authority(ctx context.Context, s service) (*x509.CertPool, error) {
	if s.ca == "" {
		return nil, nil
	}
	const key = "ca.crt"
	held, err := f.Cluster.ConfigMap(ctx, s.namespace, s.ca)
	if apierrors.IsNotFound(err) {
		return nil, s.wrong("its annotation %s names the ConfigMap %s, which is not there", AnnotationCA, s.ca)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: reading its authority: %w", s, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(held.Data[key])) {
		return nil, s.wrong("the ConfigMap %s holds no PEM certificate under %s", s.ca, key)
	}
	return pool, nil
}

// polling is the backoff between looks for an application that is not ready. A watch would say it
// a moment earlier, and need a right more.
var polling = backoff.Backoff{First: 100 * time.Millisecond, Most: 2 * time.Second}

// Locate implements [apps.Locator]: it looks until the application is there, or until waiting for
// it has no sense or no time left.
func (f Finder) Locate(ctx context.Context, key appbur.AppKey) (apps.Target, error) {
	var last error
	for failures := 0; ; failures++ {
		found, err := f.Find(ctx, key)
		switch {
		case err == nil:
			return found.Target, nil
		case ctx.Err() == nil || last == nil: // the end of our own time says less than the last answer
			last = err
		}
		hopeless := errors.Is(err, ErrAmbiguous) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
		if hopeless || backoff.Sleep(ctx, polling.Delay(failures)) != nil {
			return apps.Target{}, fmt.Errorf("application %s: %w", key, last)
		}
	}
}
