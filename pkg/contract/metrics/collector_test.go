package metrics_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/metrics"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// aDay makes a collector count what a server may do.
func aDay(c *metrics.Collector) {
	c.Serving(func() []contract.Operation {
		return []contract.Operation{
			{Kind: "export", State: "running"},
			{Kind: "export", State: "running"},
			{Kind: "import", State: "suspended"},
			{Kind: "import", State: "failed"},
		}
	})
	for _, call := range []struct {
		name   string
		code   codes.Code
		reason contract.Reason
		took   time.Duration
	}{
		{"GetInfo", codes.OK, "", time.Millisecond},
		{"GetInfo", codes.OK, "", 2 * time.Millisecond},
		{"Export", codes.OK, "", 90 * time.Second},
		{"Import", codes.NotFound, contract.ReasonUnknownDataset, 10 * time.Millisecond},
		{"Import", codes.Internal, "OTHER", 20 * time.Millisecond},
	} {
		c.CallBegan(call.name)
		c.CallEnded(call.name, call.code, call.reason, call.took)
	}

	c.CallBegan("Import")
	c.Transferred("export", 1<<20, 1000)
	c.Transferred("import", 18, 0)
	c.Transferred("import", 0, 1)
	c.Succeeded("export", time.Unix(1_700_000_000, 250e6))
}

func request(c *metrics.Collector, method string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, httptest.NewRequest(method, "/metrics", nil))
	return answer
}

func TestExposition(t *testing.T) {
	const golden = "testdata/exposition.txt"
	c := metrics.New()
	aDay(c)

	answer := request(c, http.MethodGet)
	if *update {
		if err := os.WriteFile(golden, answer.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), answer.Body.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// An application that has a registry registers the collector there, and another one for
// its second server under other labels.
func TestRegistryOfTheApplication(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	for _, server := range []string{"a", "b"} {
		c := metrics.New()
		aDay(c)
		prometheus.WrapRegistererWith(prometheus.Labels{"server": server}, registry).MustRegister(c)
	}

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 7 {
		t.Errorf("%d families, want 7", len(families))
	}
	for _, f := range families {
		if len(f.GetMetric())%2 != 0 {
			t.Errorf("%s has %d metrics for two servers", f.GetName(), len(f.GetMetric()))
		}
	}
}

func TestMetricsAreReadOnly(t *testing.T) {
	for method, want := range map[string]int{
		http.MethodGet: http.StatusOK, http.MethodHead: http.StatusOK,
		http.MethodPost: http.StatusMethodNotAllowed, http.MethodDelete: http.StatusMethodNotAllowed,
	} {
		if got := request(metrics.New(), method).Code; got != want {
			t.Errorf("%s gives %d, want %d", method, got, want)
		}
	}
}
