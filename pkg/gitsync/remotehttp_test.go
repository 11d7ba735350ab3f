package gitsync_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Web servers that are no Git servers, or do not want to be, have a state each.
func TestWebServersThatDoNotTakeAPush(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()

	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}

	// smart introduces itself as Git, and answers the push otherwise.
	smart := func(push http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, _ = io.Copy(io.Discard, r.Body)
				push(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/x-git-receive-pack-advertisement")
			line := strings.Repeat("0", 40) + " capabilities^{}\x00report-status delete-refs\n"
			fmt.Fprintf(w, "001f# service=git-receive-pack\n0000%04x%s0000", len(line)+4, line)
		}
	}

	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    gitsync.RemoteState
	}{
		{"dumb", answer(200, "text/plain", "0123456789012345678901234567890123456789\trefs/heads/main\n"), gitsync.RemoteNotGit},
		{"web page", answer(200, "text/html", "<html>"), gitsync.RemoteNotGit},
		{"lying", answer(200, "application/x-git-receive-pack-advertisement", "<html>"), gitsync.RemoteNotGit},
		{"nothing", answer(200, "application/x-git-receive-pack-advertisement", ""), gitsync.RemoteInterrupted},
		{"not found", answer(404, "text/plain", "no"), gitsync.RemoteNotFound},
		{"login", answer(401, "text/plain", "who?"), gitsync.RemoteUnauthenticated},
		{"forbidden", answer(403, "text/plain", "no"), gitsync.RemoteForbidden},
		{"read only", answer(403, "text/plain", "This repository is over its size limit"), gitsync.RemoteFull},
		{"maintenance", answer(503, "text/html", "soon"), gitsync.RemoteUnreachable},
		{
			"elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
			gitsync.RemoteMisconfigured,
		},
		{"body limit", smart(answer(413, "text/html", "nginx")), gitsync.RemoteTooLarge},
		{"quota", smart(answer(507, "text/plain", "full")), gitsync.RemoteFull},
		{"no report", smart(answer(200, "application/x-git-receive-pack-result", "")), gitsync.RemoteInterrupted},
		{"login expired", smart(answer(401, "text/plain", "")), gitsync.RemoteUnauthenticated},
	}

	r := filled(t, 3)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			remote := gitsync.Remote{URL: remoteURL(t, server.URL+"/x.git"), Credentials: gitsync.Credentials{Password: "secret-token"}}
			_, err := r.Push(t.Context(), remote, what, gitsync.RemoteOptions{Silence: 10 * time.Second})
			if got := gitsync.StateOf(err); got != tt.want || appbur.HintOf(err) == "" || strings.Contains(err.Error(), "secret-token") {
				t.Errorf("state %q, want %q: %v", got, tt.want, err)
			}
		})
	}
}

func TestPrintedCredentialsSayNothing(t *testing.T) {
	c := gitsync.Credentials{Password: "secret-token", Identity: []byte("secret-token")}
	for _, format := range []string{"%v", "%+v", "%s", "%#v"} {
		for _, value := range []any{c, gitsync.Remote{Credentials: c}, &gitsync.Remote{Credentials: c}} {
			if text := fmt.Sprintf(format, value); strings.Contains(text, "secret-token") || strings.Contains(text, "115, 101") {
				t.Errorf("%s: %s", format, text)
			}
		}
	}
}
