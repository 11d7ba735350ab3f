package exporter

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const metrics = `# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested
# TYPE apiserver_requested_deprecated_apis gauge
apiserver_requested_deprecated_apis{group="policy",removed_release="1.25",resource="podsecuritypolicies",subresource="",version="v1beta1"} 1
apiserver_requested_deprecated_apis{group="policy",removed_release="1.25",resource="poddisruptionbudgets",subresource="status",version="v1beta1"} 1 1700000000
apiserver_requested_deprecated_apis{group="a\"b\\c",removed_release="",resource="x\ny",subresource="",version="v1"} 1
apiserver_requested_deprecated_apis{group="never",removed_release="",resource="x",subresource="",version="v1"} 0
apiserver_requested_deprecated_apis_total{group="other"} 1
apiserver_request_total{code="200"} 7
`

func TestParseDeprecations(t *testing.T) {
	got, err := parseDeprecations(strings.NewReader(metrics))
	if err != nil {
		t.Fatal(err)
	}
	want := []Deprecation{
		{Group: `a"b\c`, Version: "v1", Resource: "x\ny"},
		{Group: "policy", Version: "v1beta1", Resource: "poddisruptionbudgets", Subresource: "status", RemovedRelease: "1.25"},
		{Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies", RemovedRelease: "1.25"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deprecations (-want +got):\n%s", diff)
	}
	for _, broken := range []string{`{`, `{group="a`, `{group="a"`, `{group="a"}`, `{group=a} 1`, `{group="a\`} {
		if got, err := parseDeprecations(strings.NewReader(requestedDeprecated + broken)); err == nil {
			t.Errorf("%s was read as %v", broken, got)
		}
	}
}

func FuzzParseDeprecations(f *testing.F) {
	f.Add(metrics)
	f.Add(requestedDeprecated + `{group="a\`)
	f.Add(requestedDeprecated + `{} 1`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseDeprecations(strings.NewReader(text))
		if err != nil {
			return
		}
		seen := make(map[Deprecation]bool)
		for _, d := range list {
			if seen[d] {
				t.Errorf("%+v is listed twice", d)
			}
			seen[d] = true
		}
	})
}

func TestDeprecations(t *testing.T) {
	f := newFakeServer(t)
	f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Warning", `299 - "v1 ConfigMap is deprecated"`)
		w.Header().Add("Warning", `199 - "not persistent"`)
		listOf(w, "7", "", "a")
	})

	e := f.exporter(Options{})
	for range 2 {
		if _, err := e.Capture(t.Context(), (&recorder{}).emit); err != nil {
			t.Fatal(err)
		}
	}

	warned := []Warning{{Version: "v1", Resource: "configmaps", Text: "v1 ConfigMap is deprecated"}}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   DeprecationEvidence
	}{
		{"readable", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = w.Write([]byte(strings.Split(metrics, "\n")[2] + "\n"))
		}, DeprecationEvidence{Requested: []Deprecation{{
			Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies",
			RemovedRelease: "1.25",
		}}, Warnings: warned}},
		{
			"forbidden", func(w http.ResponseWriter, _ *http.Request) {
				status(w, http.StatusForbidden, "Forbidden", "metrics are forbidden")
			},
			DeprecationEvidence{
				Requested:  []Deprecation{},
				Unreadable: "the metrics of the API server cannot be read: the account may not read this: metrics are forbidden", Warnings: warned,
			},
		},
		{
			"not served", func(w http.ResponseWriter, _ *http.Request) {
				status(w, http.StatusNotFound, "NotFound", "no such path")
			},
			DeprecationEvidence{
				Requested:  []Deprecation{},
				Unreadable: "the metrics of the API server cannot be read: it is not served at the moment: no such path", Warnings: warned,
			},
		},
	} {
		f.on("/metrics", tt.answer)
		got, err := e.Deprecations(t.Context())
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}

	f.on("/metrics", func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusInternalServerError, "", "broken") })
	if _, err := e.Deprecations(t.Context()); err == nil {
		t.Error("a server that is broken counts as one without metrics")
	}
}
