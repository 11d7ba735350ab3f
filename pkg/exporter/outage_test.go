package exporter

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// An API server that goes away is logged once, and once when it is back; one type whose
// connections break alone is no outage.
func TestAnOutageIsToldOnce(t *testing.T) {
	f := newFakeServer(t)
	var away, alone atomic.Bool
	hangUp := func(w http.ResponseWriter) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	f.on("/version", func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			hangUp(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"gitVersion":"v1.30.4"}`))
	})
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case away.Load() || alone.Load():
			hangUp(w)
		case r.URL.Query().Get("watch") == "":
			listOf(w, "10", "", "a")
		}
	})
	var log lines
	var j journal
	e := f.exporter(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	startWatch(t, e, &j)
	eventually(t, 5*time.Second, "first list", func() bool { return j.has("synced") }, j.String)

	alone.Store(true)
	eventually(t, 5*time.Second, "the type fails", func() bool { return j.has("failed") }, log.String)
	alone.Store(false)
	if strings.Contains(log.String(), "reached") {
		t.Errorf("one type counts as the server:\n%s", log.String())
	}
	for range 2 {
		away.Store(true)
		before := strings.Count(log.String(), "cannot be reached")
		eventually(t, 5*time.Second, "it is logged", func() bool { return strings.Count(log.String(), "cannot be reached") > before }, log.String)
		again := strings.Count(log.String(), "reached again")
		away.Store(false)
		eventually(t, 5*time.Second, "the end is logged", func() bool { return strings.Count(log.String(), "reached again") > again }, log.String)
	}
	if n := strings.Count(log.String(), "reached"); n != 4 {
		t.Errorf("%d lines, want 4:\n%s", n, log.String())
	}
}
