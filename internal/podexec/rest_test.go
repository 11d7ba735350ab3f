package podexec

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/adapters/exec"
)

// two are commands that write into a file what happens.
func two(t *testing.T) (log string, quiesce, release exec.Call) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	return log, shell("echo quiet >> " + log), shell("echo released >> " + log + "; echo noise; echo noise >&2")
}

func read(name string) string {
	b, _ := os.ReadFile(name)
	return strings.ReplaceAll(string(b), "\n", " ")
}

// An application rests until it is told to go on, also for longer than the lease.
func TestAnApplicationRestsUntilItIsToldToGoOn(t *testing.T) {
	inShells(t, func(t *testing.T, _ *here, r Runner) {
		log, quiesce, release := two(t)
		rest, err := r.Rest(t.Context(), quiesce, release)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			<-time.After(r.Lease) // the lease is what is tested: it is renewed in between
			if err := rest.Held(t.Context()); err != nil || read(log) != "quiet " {
				t.Fatalf("%q, %v", read(log), err)
			}
		}
		if err := rest.End(t.Context()); err != nil || read(log) != "quiet released " {
			t.Errorf("%q, %v", read(log), err)
		}
	})
}

// When the connection is cut, the container lets the application go on, once.
func TestACutConnectionReleases(t *testing.T) {
	inShells(t, func(t *testing.T, h *here, r Runner) {
		log, quiesce, release := two(t)
		rest, err := r.Rest(t.Context(), quiesce, release)
		if err != nil {
			t.Fatal(err)
		}
		h.cutAll()
		eventually(t, "the release", func() bool { return read(log) == "quiet released " })
		if err := rest.Held(t.Context()); err == nil {
			t.Error("it rests still")
		}
		if err := rest.End(t.Context()); err == nil || read(log) != "quiet released " {
			t.Errorf("%q, %v", read(log), err)
		}
	})
}

// When nothing is heard any more, although no connection has ended, the lease is what releases.
func TestSilenceReleases(t *testing.T) {
	inShells(t, func(t *testing.T, _ *here, r Runner) {
		log, quiesce, release := two(t)
		rest, err := r.Rest(t.Context(), quiesce, release)
		if err != nil {
			t.Fatal(err)
		}
		rest.(*session).hush()
		eventually(t, "the release", func() bool { return read(log) == "quiet released " })
		err = rest.Held(t.Context())
		var failed *exec.Failure
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "by itself") {
			t.Errorf("got %v", err)
		}
		if err := rest.End(t.Context()); err == nil || read(log) != "quiet released " {
			t.Errorf("%q, %v", read(log), err)
		}
	})
}

// No application rests for longer than its limit, whatever is heard.
func TestTheLimitReleases(t *testing.T) {
	inShells(t, func(t *testing.T, _ *here, r Runner) {
		r.RestLimit = 2 * time.Second
		log, quiesce, release := two(t)
		rest, err := r.Rest(t.Context(), quiesce, release)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the release", func() bool { return read(log) == "quiet released " })
		if err := rest.End(t.Context()); err == nil || !strings.Contains(err.Error(), "by itself") {
			t.Errorf("got %v", err)
		}
	})
}

// Half a rest is none: when quiesce fails or takes too long, release runs all the same, and the first is what is told.
func TestAFailedQuiesceReleases(t *testing.T) {
	inShells(t, func(t *testing.T, _ *here, r Runner) {
		for text, want := range map[string]string{"; exit 5": "exit status 5", "; sleep 60": "did not end within 1s"} {
			log, quiesce, release := two(t)
			quiesce.Argv[2] += text
			quiesce.Timeout = time.Second
			if _, err := r.Rest(t.Context(), quiesce, release); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v", text, err)
			}
			if read(log) != "quiet released " {
				t.Errorf("%s: %q", text, read(log))
			}
		}
	})
}

// A release that fails is told.
func TestAFailedReleaseIsTold(t *testing.T) {
	inShells(t, func(t *testing.T, _ *here, r Runner) {
		_, quiesce, _ := two(t)
		rest, err := r.Rest(t.Context(), quiesce, shell("exit 4"))
		if err != nil {
			t.Fatal(err)
		}
		if err := rest.End(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 4") {
			t.Errorf("got %v", err)
		}
	})
}
