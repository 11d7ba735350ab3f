//go:build integration

package capture_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/faultproxy"
)

// TestDeprecatedRequestsAreEvidence requests an API from a real server that is on its way
// out, as an old client does, and finds that in the evidence of the next capture.
// Metrics that cannot be read cost the evidence, not the capture.
func TestDeprecatedRequestsAreEvidence(t *testing.T) {
	w := newWorld(t, "1.24.17", faultproxy.HTTP2)
	budgets := schema.GroupVersionResource{Group: "policy", Version: "v1beta1", Resource: "poddisruptionbudgets"}
	if _, err := w.client.Resource(budgets).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	seen, err := capture.Run(t.Context(), w.exporter(w.cluster.RESTConfig()), w.writer(w.archive), nil)
	if err != nil || !seen.Evidence.RequestsReadable {
		t.Fatalf("%+v, %v", seen.Evidence, err)
	}
	found := false
	for _, request := range seen.Evidence.DeprecatedRequests {
		if request.Group == budgets.Group && request.Version == budgets.Version && request.Resource == budgets.Resource &&
			request.RemovedRelease == "1.25" {
			found = true
		}
	}
	if !found {
		t.Errorf("the request is not in the evidence: %+v", seen.Evidence.DeprecatedRequests)
	}

	w.proxy.Set(faultproxy.Rule{Match: faultproxy.Path("/metrics"), Fault: faultproxy.Status(500, "InternalError", "boom")})
	seen, err = capture.Run(t.Context(), w.exporter(w.proxy.RESTConfig()), w.writer(w.archive), nil)
	if err != nil || !seen.Coverage.Complete() || seen.Evidence.RequestsReadable || seen.Evidence.RequestsReason == "" {
		t.Errorf("without metrics: %+v, %v", seen.Evidence, err)
	}
}
