package services_test

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/appbur/appbur/internal/apps/services"
)

// All applications of the cluster are found once each, by name, and what is wrong with one does not
// hide the others.
func TestAllApplicationsAreFound(t *testing.T) {
	port := corev1.ServicePort{Port: 7443}
	broken := labelled("shop", "orders", map[string]string{services.AnnotationPort: "nowhere"}, port)
	twice := labelled("wares", "two", nil, port)
	c := with(labelled("wares", "one", nil, port), twice, broken, labelled("bank", "orders", nil, port), corev1.Service{})
	c.slices = []discoveryv1.EndpointSlice{slice("", 7443, pod("10.0.0.1"))}

	all, err := services.Finder{Cluster: c}.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, app := range all {
		line := app.String() + " " + app.Address
		switch {
		case errors.Is(app.Err, services.ErrAmbiguous):
			line += "ambiguous"
		case app.Err != nil:
			line += "wrong"
		}
		got = append(got, line)
	}
	want := []string{"bank/orders 10.0.0.1:7443", "shop/orders wrong", "wares/orders ambiguous"}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("found are %q, want %q", got, want)
	}

	c.err = errors.New("no")
	if _, err := (services.Finder{Cluster: c}).All(t.Context()); err == nil {
		t.Error("a cluster that does not answer has no applications")
	}
}
