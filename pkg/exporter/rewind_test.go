package exporter

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

// namespaceKubeSystem answers the request by which a watch checks that its store is the same.
func namespaceKubeSystem(f *fakeServer, answer func() (uid string, revision int)) {
	f.on("/api/v1/namespaces", func(w http.ResponseWriter, _ *http.Request) {
		uid, revision := answer()
		fmt.Fprintf(w, `{"kind":"NamespaceList","metadata":{"resourceVersion":"%d"},"items":[{"metadata":{"name":"kube-system","uid":%q}}]}`,
			revision, uid)
	})
}

// TestAStoreThatGoesBackIsListedAgain has a watch that goes on in peace, as it does
// from a revision in the future, while the store has lost an object and regained one.
func TestAStoreThatGoesBackIsListedAgain(t *testing.T) {
	f := newFakeServer(t)
	var back atomic.Bool
	namespaceKubeSystem(f, func() (string, int) {
		if back.Load() {
			return "u-1", 5
		}
		return "u-1", 10
	})

	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("watch") != "":
			quiet(w, r)
		case back.Load():
			listOf(w, "5", "", "earlier", "kept")
		default:
			listOf(w, "10", "", "kept", "later")
		}
	})

	var j journal
	var rewound atomic.Int64
	_, _ = startWatch(t, f.exporter(Options{Attend: 10 * time.Millisecond, Rewound: func() { rewound.Add(1) }}), &j)
	eventually(t, 5*time.Second, "the first list", func() bool { return j.holds("namespaces/d/configmap/later.yaml") }, j.String)
	eventually(t, 5*time.Second, "a few looks", func() bool { return f.count("kube-system") > 3 }, j.String)
	if lists := f.count("/api/v1/configmaps?limit"); lists != 1 {
		t.Errorf("%d lists of a store that does not go back", lists)
	}
	if times := rewound.Load(); times != 0 {
		t.Errorf("told %d times of a store that does not go back", times)
	}
	back.Store(true)
	eventually(t, 5*time.Second, "the earlier state", func() bool {
		return j.holds("namespaces/d/configmap/earlier.yaml") && !j.holds("namespaces/d/configmap/later.yaml")
	}, j.String)
	if times := rewound.Load(); times != 1 {
		t.Errorf("told %d times that the store has gone back", times)
	}
}

// An outage that a restored store cannot do without is told once, however many watches notice it; a shorter one is not.
func TestAfterAnOutageTheStoreMayBeAnother(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	times := 0
	e := &Exporter{timing: timing{replaced: 2 * time.Second}}
	e.options = Options{Rewound: func() { times++ }, Now: func() time.Time { return now }}
	o := &outage{exporter: e, log: slog.New(slog.DiscardHandler)}

	for _, away := range []time.Duration{0, time.Second, 3 * time.Second, 3 * time.Second} {
		before, want := times, 0
		if away > 2*time.Second {
			want = 1
		}
		since := now
		if away > 0 {
			o.since = since
		}
		now = now.Add(away)
		o.works()
		now = now.Add(time.Second)
		if away > 2*time.Second {
			o.back(since) // a watch that comes later
		}
		if times-before != want {
			t.Errorf("after %s: told %d times, want %d", away, times-before, want)
		}
		now = now.Add(time.Minute)
	}

	o.back(now.Add(-time.Minute)) // one that was alone
	if times != 3 {
		t.Errorf("told %d times", times)
	}
}

func TestAnotherClusterEndsTheWatch(t *testing.T) {
	f := newFakeServer(t)
	var other atomic.Bool
	namespaceKubeSystem(f, func() (string, int) {
		if other.Load() {
			return "u-2", 10
		}
		return "u-1", 10
	})

	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") != "" {
			quiet(w, r)
			return
		}
		listOf(w, "10", "", "a")
	})

	var j journal
	wait, _ := startWatch(t, f.exporter(Options{Attend: 10 * time.Millisecond}), &j)
	eventually(t, 5*time.Second, "a few looks", func() bool { return f.count("kube-system") > 3 }, j.String)
	other.Store(true)
	if err := wait(); !errors.Is(err, ErrOtherCluster) || appbur.HintOf(err) == "" {
		t.Errorf("Watch returned %v", err)
	}
}

// TestAnOutageIsFollowedByAList has a server that is away for longer than a connection
// takes, and comes back with another store whose revisions have passed the old ones.
func TestAnOutageIsFollowedByAList(t *testing.T) {
	f := newFakeServer(t)
	var away, back atomic.Bool

	leave := make(chan struct{})
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		watch := r.URL.Query().Get("watch") != ""
		switch {
		case away.Load():
			status(w, http.StatusServiceUnavailable, "ServiceUnavailable", "starting")
		case watch && !back.Load():
			w.(http.Flusher).Flush()
			<-leave
		case watch:
			quiet(w, r)
		case back.Load():
			listOf(w, "20", "", "other")
		default:
			listOf(w, "10", "", "a")
		}
	})

	var j journal
	e := f.exporter(Options{})
	e.timing.outage = time.Hour // else the list comes from that
	_, _ = startWatch(t, e, &j)
	eventually(t, 5*time.Second, "the first list", func() bool { return j.holds("namespaces/d/configmap/a.yaml") }, j.String)
	away.Store(true)
	close(leave)
	before := f.count("watch=true")
	eventually(t, 5*time.Second, "many tries", func() bool { return f.count("watch=true") > before+20 }, j.String)
	back.Store(true)
	away.Store(false)
	eventually(t, 5*time.Second, "the list after the outage", func() bool {
		return j.holds("namespaces/d/configmap/other.yaml") && !j.holds("namespaces/d/configmap/a.yaml")
	}, j.String)
}

// TestALateAnswerIsAnOutage has a server that takes the watch again at the first try,
// but a long while after the request.
func TestALateAnswerIsAnOutage(t *testing.T) {
	f := newFakeServer(t)
	var late atomic.Int64

	leave, watches := make(chan struct{}), atomic.Int32{}
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		watch := r.URL.Query().Get("watch") != ""
		switch {
		case watch && watches.Add(1) == 1:
			w.(http.Flusher).Flush()
			<-leave
		case watch:
			late.Store(int64(time.Minute))
			quiet(w, r)
		case late.Load() > 0:
			listOf(w, "20", "", "other")
		default:
			listOf(w, "10", "", "a")
		}
	})

	var j journal
	now := func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	_, _ = startWatch(t, f.exporter(Options{Now: now}), &j)
	eventually(t, 5*time.Second, "the first watch", func() bool { return watches.Load() == 1 }, j.String)
	close(leave)
	eventually(t, 5*time.Second, "the list after the outage", func() bool {
		return j.holds("namespaces/d/configmap/other.yaml") && !j.holds("namespaces/d/configmap/a.yaml")
	}, j.String)
}

// TestEachTypeIsListedFromTimeToTime has a watch that lost an event without a sign.
func TestEachTypeIsListedFromTimeToTime(t *testing.T) {
	f := newFakeServer(t)
	var lost atomic.Bool
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("watch") != "":
			event(w, "BOOKMARK", `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"20"}}`)
		case lost.Load():
			listOf(w, "20", "", "b")
		default:
			listOf(w, "10", "", "a")
		}
	})

	var j journal
	_, _ = startWatch(t, f.exporter(Options{Relist: 30 * time.Millisecond}), &j)
	eventually(t, 5*time.Second, "the first list", func() bool { return j.holds("namespaces/d/configmap/a.yaml") }, j.String)
	lost.Store(true)
	eventually(t, 5*time.Second, "the next list", func() bool {
		return j.holds("namespaces/d/configmap/b.yaml") && !j.holds("namespaces/d/configmap/a.yaml")
	}, j.String)
}
