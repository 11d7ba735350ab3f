package exporter

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/pkg/manifest"
)

// heard is what becomes of a connection, in words.
type heard struct {
	mu    sync.Mutex
	words []string
}

func (h *heard) say(word string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.words = append(h.words, word)
}

func (h *heard) Lost() { h.say("lost") }
func (h *heard) Away() { h.say("away") }
func (h *heard) Back() { h.say("back") }

// Sixty watches share a connection that died without a word: it is told once, and once that another works. Another one
// that dies later is told again.
func TestADeadConnectionIsToldOnce(t *testing.T) {
	var log lines
	var h heard
	now := time.Unix(1_700_000_000, 0)
	e, err := New(&rest.Config{Host: "https://127.0.0.1:1"}, manifest.Default(), Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Connection: &h, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	dead := errors.New("http2: client connection lost")
	if !utilnet.IsHTTP2ConnectionLost(dead) {
		t.Fatal("client-go calls it otherwise now")
	}

	o := &outage{exporter: e, log: e.options.Log}
	for range 2 {
		for range 60 {
			o.failed(t.Context(), dead)
		}
		now = now.Add(time.Second)
		o.works()
		o.failed(t.Context(), dead) // of the same connection, by a watch that is late
		o.works()
		now = now.Add(time.Minute)
	}
	text := log.String()
	if strings.Count(text, "vanished without a word") != 2 || strings.Count(text, "answers on a new connection\" after=1s") != 2 ||
		strings.Count(text, "\n") != 4 {
		t.Errorf("got\n%s", text)
	}
	if got := strings.Join(h.words, " "); got != "lost lost" {
		t.Errorf("heard %q", got)
	}
}
