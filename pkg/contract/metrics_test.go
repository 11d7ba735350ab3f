package contract_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/metrics"
)

func scrape(t *testing.T, m http.Handler) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %s", answer.Code, answer.Header())
	}
	return answer.Body.String()
}

func TestMetrics(t *testing.T) {
	m := metrics.New()
	o := notes()
	o.Metrics = m
	o.Now = func() time.Time { return time.Unix(1_700_000_000, 250e6) }
	client := start(t, memory(row(`{"id":1}`), row(`{"id":2}`)), o)
	if _, _, err := export(t, client); err != nil {
		t.Fatal(err)
	}
	dry := request(t, source("notes", "1.0", "{\"id\":3}\n"))
	dry.DryRun = true

	if _, err := client.Import(t.Context(), dry); err != nil {
		t.Fatal(err)
	}
	if text := scrape(t, m); strings.Contains(text, `timestamp_seconds{kind="import"}`) ||
		strings.Contains(text, `rows_total{kind="import"} 1`) {
		t.Errorf("a dry run counts as an import:\n%s", text)
	}
	if _, err := client.Import(t.Context(), request(t, source("notes", "1.0", "{\"id\":3}\n"))); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Import(t.Context(), request(t, source("others", "1.0", ""))); err == nil {
		t.Fatal("imported what is not there")
	}
	text := scrape(t, m)

	for _, line := range []string{
		`appbur_contract_calls_total{call="Export",code="OK",reason=""} 1`,
		`appbur_contract_calls_total{call="Import",code="OK",reason=""} 2`,
		`appbur_contract_calls_total{call="Import",code="NotFound",reason="UNKNOWN_DATASET"} 1`,
		`appbur_contract_calls_in_flight{call="Import"} 0`,
		`appbur_contract_call_seconds_count{call="Import"} 3`,
		`appbur_contract_payload_bytes_total{kind="export"} 18`,
		`appbur_contract_payload_bytes_total{kind="import"} 18`,
		`appbur_contract_rows_total{kind="export"} 2`,
		`appbur_contract_rows_total{kind="import"} 1`,
		`appbur_contract_operations{kind="import",state="running"} 0`,
		`appbur_contract_last_success_timestamp_seconds{kind="export"} 1.70000000025e+09`,
		`appbur_contract_last_success_timestamp_seconds{kind="import"} 1.70000000025e+09`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s:\n%s", line, text)
		}
	}

	// Every line is a comment or a sample, and every sample's family was announced.
	sample := regexp.MustCompile(`^(appbur_contract_[a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+$`)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "# ") {
			continue
		}
		found := sample.FindStringSubmatch(line)
		if found == nil {
			t.Errorf("no sample: %s", line)
			continue
		}
		family := strings.TrimSuffix(strings.TrimSuffix(found[1], "_sum"), "_count")
		if !strings.Contains(text, "# TYPE "+family+" ") {
			t.Errorf("%s has no type", family)
		}
	}

	answer := httptest.NewRecorder()
	if m.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/metrics", nil)); answer.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST gives %d", answer.Code)
	}
}

func TestMetricsBeforeAndDuringService(t *testing.T) {
	m := metrics.New()
	if text := scrape(t, m); text != "" {
		t.Errorf("before a server has it: %s", text)
	}
	o := notes()
	o.Metrics = m
	client := start(t, memory(row(`{"id":1}`)), o)

	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 10 {
				if _, err := client.Info(t.Context()); err != nil {
					t.Error(err)
				}
				scrape(t, m)
			}
		})
	}

	running.Wait()
	if _, err := client.Import(t.Context(), request(t, source("notes", "1.0", "{\"id\":3}\n"))); err != nil {
		t.Error(err)
	}
}

// panickingGuard crashes.
type panickingGuard struct{ contract.Guard }

func TestGuardThatCrashesLetsNobodyIn(t *testing.T) {
	o := notes()
	o.Guard = panickingGuard{} // a nil pointer
	client := start(t, memory(row(`{"id":1}`)), o)
	_, _, err := export(t, client)
	wantReason(t, err, contract.ReasonPanic)
	if _, err := client.Info(t.Context()); err != nil {
		t.Error(err)
	}
}
