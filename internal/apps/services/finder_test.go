package services_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/services"
)

// cluster is what a finder reads, by hand. Against real servers it is shown in internal/cli.
type cluster struct {
	services []corev1.Service
	slices   []discoveryv1.EndpointSlice
	err      error
}

func with(services ...corev1.Service) cluster { return cluster{services: services} }

func (c cluster) Services(_ context.Context, namespace, selector string) ([]corev1.Service, error) {
	var list []corev1.Service
	chosen, err := labels.Parse(selector)
	if err != nil {
		return nil, err
	}
	for _, s := range c.services {
		if (s.Namespace == namespace || namespace == corev1.NamespaceAll) && chosen.Matches(labels.Set(s.Labels)) {
			list = append(list, s)
		}
	}
	return list, c.err
}

func (c cluster) Slices(context.Context, string, string) ([]discoveryv1.EndpointSlice, error) {
	return c.slices, nil
}

func (c cluster) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if name == "empty" {
		return &corev1.ConfigMap{}, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

var orders = appbur.AppKey{Namespace: "shop", Name: "orders"}

// labelled is a Service of the application orders.
func labelled(namespace, name string, annotations map[string]string, ports ...corev1.ServicePort) corev1.Service {
	return corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: "u1", Labels: map[string]string{services.LabelApp: "orders"}, Annotations: annotations,
		},
		Spec: corev1.ServiceSpec{Ports: ports},
	}
}

// pod is an endpoint; one without a state says nothing of it.
func pod(address string, ready ...bool) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{address}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "p"}}
	if len(ready) > 0 {
		e.Conditions.Ready = &ready[0]
	}
	return e
}

func slice(name string, port int32, endpoints ...discoveryv1.Endpoint) discoveryv1.EndpointSlice {
	return discoveryv1.EndpointSlice{Ports: []discoveryv1.EndpointPort{{Name: &name, Port: &port}}, Endpoints: endpoints}
}

func TestOneReadyPodIsFound(t *testing.T) {
	port := corev1.ServicePort{Port: 7443}
	state, sql := corev1.ServicePort{Name: "appbur", Port: 7443}, corev1.ServicePort{Name: "sql", Port: 5432}
	ending := pod("10.0.0.1")
	yes := true
	ending.Conditions.Terminating = &yes
	byHand := discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}}

	for name, test := range map[string]struct {
		service          corev1.Service
		slices           []discoveryv1.EndpointSlice
		address          string
		ready, endpoints int
	}{
		"the only port": {
			labelled("shop", "db", nil, port), []discoveryv1.EndpointSlice{slice("", 1, pod("10.0.0.1", true))}, "10.0.0.1:1", 1, 1,
		},
		"a port that is called appbur": {
			labelled("shop", "db", nil, sql, state),
			[]discoveryv1.EndpointSlice{slice("sql", 1, pod("10.0.0.1")), slice("appbur", 2, pod("10.0.0.1"))},
			"10.0.0.1:2", 1, 1,
		},
		"a port by its number": {
			labelled("shop", "db", map[string]string{services.AnnotationPort: "5432"}, sql, state),
			[]discoveryv1.EndpointSlice{slice("sql", 1, pod("10.0.0.1")), slice("appbur", 2, pod("10.0.0.1"))},
			"10.0.0.1:1", 1, 1,
		},
		"the first that is ready": {
			labelled("shop", "db", nil, port),
			[]discoveryv1.EndpointSlice{slice("", 1, pod("10.0.0.3"), ending), slice("", 1, pod("10.0.0.2"), pod("10.0.0.0", false))},
			"10.0.0.2:1", 2, 4,
		},
		"one in two slices": {
			labelled("shop", "db", nil, port),
			[]discoveryv1.EndpointSlice{slice("", 1, pod("10.0.0.3")), slice("", 1, pod("10.0.0.3"))},
			"10.0.0.3:1", 1, 1,
		},
		"pods, and not what a hand wrote": {
			labelled("shop", "db", nil, port), []discoveryv1.EndpointSlice{slice("", 1, byHand, pod("fd00::1"))}, "[fd00::1]:1", 1, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := services.Finder{Cluster: cluster{services: []corev1.Service{test.service}, slices: test.slices}}.Find(t.Context(), orders)
			if err != nil {
				t.Fatal(err)
			}
			if found.Address != test.address || found.Ready != test.ready || found.Endpoints != test.endpoints {
				t.Errorf("%s, %d of %d; want %s, %d of %d", found.Address, found.Ready, found.Endpoints, test.address, test.ready, test.endpoints)
			}
			if found.AppKey != orders || found.ServerName != "db.shop.svc" || found.Identity() != "service:shop/db:u1" {
				t.Errorf("%+v", found.Target)
			}
		})
	}
}

func TestWhatIsNotFoundSaysWhy(t *testing.T) {
	port := corev1.ServicePort{Port: 7443}
	sql, state := corev1.ServicePort{Name: "sql", Port: 5432}, corev1.ServicePort{Name: "state", Port: 7443}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "", errors.New("no"))

	for name, test := range map[string]struct {
		cluster cluster
		says    string
	}{
		"no Service":          {with(labelled("other", "db", nil, port)), "none in the namespace shop has the label"},
		"two Services":        {with(labelled("shop", "a", nil), labelled("shop", "b", nil)), "several Services are labelled for it: a, b"},
		"no rights":           {cluster{err: forbidden}, "looking for the Service of shop/orders: services is forbidden"},
		"no endpoints":        {with(labelled("shop", "db", nil, port)), "no endpoint is ready, of 0"},
		"no port":             {with(labelled("shop", "db", nil)), "it has 0 ports"},
		"ports without a say": {with(labelled("shop", "db", nil, sql, state)), "it has 2 ports, none is called appbur"},
		"no SPIFFE ID": {
			with(labelled("shop", "db", map[string]string{services.AnnotationSPIFFEID: "orders"}, sql)),
			`appbur.io/spiffe-id: "orders" is no SPIFFE ID: it does not begin with spiffe://`,
		},
		"another port": {
			with(labelled("shop", "db", map[string]string{services.AnnotationPort: "x"}, sql)),
			`appbur.io/port is "x", and it has no such port`,
		},
		"no authority": {
			with(labelled("shop", "db", map[string]string{services.AnnotationCA: "x"}, sql)),
			"names the ConfigMap x, which is not there",
		},
		"an empty authority": {
			with(labelled("shop", "db", map[string]string{services.AnnotationCA: "empty"}, sql)),
			"the ConfigMap empty holds no PEM certificate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := services.Finder{Cluster: test.cluster}.Find(t.Context(), orders)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want %q", err, test.says)
			}
		})
	}
}

// A namespace that is restored under another name is looked for under that one.
func TestAMappedNamespaceIsLookedForWhereItIs(t *testing.T) {
	in := with(labelled("shop", "old", nil, corev1.ServicePort{}), labelled("copy", "new", nil, corev1.ServicePort{}))
	in.slices = []discoveryv1.EndpointSlice{slice("", 1, pod("10.0.0.1"))}
	found, err := services.Finder{Cluster: in, Namespace: func(string) string { return "copy" }}.Find(t.Context(), orders)
	if err != nil || found.Service != "copy/new" || found.AppKey != orders {
		t.Errorf("%+v, %v", found, err)
	}
}

// What no waiting mends ends at once, whatever time there is.
func TestNobodyWaitsForWhatTimeDoesNotMend(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "", errors.New("no"))
	if _, err := (services.Finder{Cluster: cluster{err: forbidden}}).Locate(t.Context(), orders); !apierrors.IsForbidden(err) {
		t.Errorf("%v", err)
	}
	two := with(labelled("shop", "a", nil), labelled("shop", "b", nil))
	if _, err := (services.Finder{Cluster: two}).Locate(t.Context(), orders); !errors.Is(err, services.ErrAmbiguous) {
		t.Errorf("%v", err)
	}
}
