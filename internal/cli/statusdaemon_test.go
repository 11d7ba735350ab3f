package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/diagnosis"
)

// What a daemon says is read from its checks and its metrics; whatever else answers is no daemon.
func TestAskingADaemon(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	const metrics = `appbur_build_info{version="v1"} 1
appbur_leader 0
appbur_api_server_up 0
appbur_last_good_point_confirmed_timestamp_seconds 1.7960364e+09
appbur_audit_changes_total 7
appbur_audit_last_event_timestamp_seconds 1.7960364e+09
appbur_audit_source_configured 1
appbur_audit_source_silent 1
appbur_changes_waiting 2
appbur_changes_waiting_seconds 90
appbur_kind_unreadable{group="",kind="Secret",reason="forbidden"} 1
appbur_kind_unreadable{group="apps",kind="Deployment",reason="forbidden"} 1
`
	for name, test := range map[string]struct {
		answers map[string]string // an answer that begins with "[" is a failed check
		want    diagnosis.Daemon
	}{
		"all there is to say": {
			map[string]string{"/livez": "ok", "/readyz": "[-]list failed: 3 of 70\n[+]ping ok\nreadyz check failed\n", "/metrics": metrics},
			diagnosis.Daemon{
				NotReady: []string{"list failed: 3 of 70"}, APIServerAway: true, Waiting: 2, WaitingFor: 90 * time.Second,
				Confirmed: time.Unix(1796036400, 0), Unreadable: []string{"Deployment.apps", "Secret"},
				Audit: &diagnosis.Audit{Configured: true, Silent: true, Last: time.Unix(1796036400, 0), Changes: 7},
			},
		},
		"a clock that is ahead": {
			map[string]string{
				"/livez": "ok", "/readyz": "ok",
				"/metrics": "appbur_build_info 1\nappbur_leader 1\nappbur_last_good_point_confirmed_timestamp_seconds 2e9\n",
			},
			diagnosis.Daemon{Leader: true, Confirmed: now},
		},
		"another program": {
			map[string]string{"/livez": "ok", "/readyz": "ok", "/metrics": "up 1\n"},
			diagnosis.Daemon{Err: "this is another program"},
		},
		"no metrics": {
			map[string]string{"/livez": "ok", "/readyz": "ok"},
			diagnosis.Daemon{Err: "/metrics answers with 404"},
		},
		"nonsense": {
			map[string]string{"/livez": "ok", "/readyz": "ok", "/metrics": "<html>\n"},
			diagnosis.Daemon{Err: "what /metrics says cannot be read"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer, known := test.answers[r.URL.Path]
				switch {
				case !known:
					w.WriteHeader(http.StatusNotFound)
				case strings.HasPrefix(answer, "["):
					w.WriteHeader(http.StatusInternalServerError)
				}
				if r.URL.Path == "/metrics" {
					answer = typed(answer)
				}
				_, _ = w.Write([]byte(answer))
			}))
			defer server.Close()

			address := strings.TrimPrefix(server.URL, "http://")
			test.want.Address = address
			if diff := cmp.Diff(test.want, *askDaemon(t.Context(), address, now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The daemon of a configuration is asked where it is on this machine; one that serves to everybody is in a pod.
func TestWhereADaemonIsAsked(t *testing.T) {
	for _, test := range []struct{ flag, listen, want string }{
		{"", "", ""},
		{"", "9420", "127.0.0.1:9420"},
		{"", "10.0.0.1:9420", "10.0.0.1:9420"},
		{"", "0.0.0.0:9420", ""},
		{"", "[::]:9420", ""},
		{"9421", "9420", "127.0.0.1:9421"},
		{"http://appbur.example:9420/", "", "appbur.example:9420"},
	} {
		c := configuration.Configuration{Metrics: configuration.Metrics{Listen: test.listen}}
		got, err := (&statusCommand{daemon: test.flag}).daemonAddress(c)
		if err != nil || got != test.want {
			t.Errorf("--daemon %q with listen %q: %q, %v", test.flag, test.listen, got, err)
		}
	}
}

// typed says of samples what a daemon says of them.
func typed(samples string) string {
	var out strings.Builder
	last := ""
	for line := range strings.Lines(samples) {
		name, _, _ := strings.Cut(strings.Fields(line)[0], "{")
		if strings.HasPrefix(name, "appbur_") && name != last {
			kind := "gauge"
			if strings.HasSuffix(name, "_total") {
				kind = "counter"
			}
			out.WriteString("# TYPE " + name + " " + kind + "\n")
		}
		last = name
		out.WriteString(line)
	}
	return out.String()
}
