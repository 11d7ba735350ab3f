package cli

import (
	"crypto/rand"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/testremote"
)

// slowWorld is a terminal before which all work seems to take long: whoever looks at the
// clock finds that some tenths of a second have passed.
type slowWorld struct {
	*env
	terminal *Streams
	screen   *screen
	// started and running count tickers.
	started, running atomic.Int64
}

func newSlowWorld(t *testing.T) *slowWorld {
	t.Helper()
	e, s, c, _ := onTerminal(100)
	w := &slowWorld{env: e, screen: s, terminal: &Streams{
		In: strings.NewReader(""), Out: s, Err: s, OutTerminal: true, ErrTerminal: true, Colour: true, Width: s.width,
	}}
	c.at = time.Now()
	e.now = func() time.Time { c.pass(170 * time.Millisecond); return c.now() }
	e.ticker = w.threeTicks
	e.rand = rand.Reader
	home := t.TempDir()
	e.getenv = func(name string) string { return map[string]string{"HOME": home, "XDG_CONFIG_HOME": home}[name] }
	// What the program reads of its environment by other ways is the test's.
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	return w
}

func (w *slowWorld) run(t *testing.T, args ...string) (code int) {
	t.Helper()
	w.Streams = w.terminal
	return Run(t.Context(), w.env, args)
}

// threeTicks is a ticker whose ticks are taken before it is stopped.
func (w *slowWorld) threeTicks(time.Duration) (<-chan time.Time, func()) {
	ticks := make(chan time.Time, 3)
	for range cap(ticks) {
		ticks <- time.Time{}
	}
	w.started.Add(1)
	w.running.Add(1)
	return ticks, func() {
		for len(ticks) > 0 {
			runtime.Gosched()
		}
		w.running.Add(-1)
	}
}

// shows runs a command and demands that lines of progress like the patterns were drawn,
// that nothing of them is left, and that nothing wrapped or goes on.
func (w *slowWorld) shows(t *testing.T, code int, patterns []string, args ...string) {
	t.Helper()
	w.screen.forget()
	if got := w.run(t, args...); got != code {
		t.Fatalf("appbur %s: exit code %d\n%s", strings.Join(args, " "), got, w.screen.text())
	}

	drawn := strings.Join(w.screen.seen(), "\n")
	for _, pattern := range patterns {
		if !regexp.MustCompile(`(?m)^` + pattern + `$`).MatchString(drawn) {
			t.Errorf("appbur %s: nothing is like %s:\n%s", strings.Join(args, " "), pattern, drawn)
		}
	}
	for line := range strings.Lines(w.screen.text()) {
		if strings.HasSuffix(strings.TrimSpace(line), " left") || strings.HasSuffix(strings.TrimSpace(line), " so far") {
			t.Errorf("left behind: %s", line)
		}
	}
	for _, line := range w.screen.wrapped {
		if strings.Contains(line, "% [") {
			t.Errorf("wrapped: %s", line)
		}
	}
	if w.started.Load() == 0 || w.running.Load() != 0 {
		t.Errorf("%d tickers were started, %d still run", w.started.Load(), w.running.Load())
	}
}

// counted is how a line looks whose total is known, after some of the work.
func counted(label, unit string) string {
	return label + `  ~?\d+% \[=*> *\]  \d+ of ~?\d+( ` + unit + `)?(, [^,]+)?, [0-9.]+/(s|min|h), ~?[0-9].* left`
}

// sized is the same for bytes.
func sized(label string) string {
	return label + `  ~?\d+% (\[=*> *\]  )?([^,]+ of [^,]+, )?([^,]+, )?[0-9.]+ \w+/s, ~?[0-9].* left`
}

// elapsed is how one looks of which nothing is counted.
func elapsed(label string) string { return label + `  \d+ s so far` }

// Every command that can take long says so.
func TestLongCommandsShowTheirProgress(t *testing.T) {
	w := newSlowWorld(t)
	dir := t.TempDir()
	AuditStory(t, dir)
	repo, keys := filepath.Join(dir, "mgmt.git"), filepath.Join(dir, "keys")
	disk, copied := testremote.Bare(t), filepath.Join(dir, "copy.git")
	if code := w.run(t, "remotes", "add", "disk", disk, "--repo", repo, "--keys", keys); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, w.screen.text())
	}
	address := serveRows(t, 1)

	for _, test := range []struct {
		command  string
		code     int
		patterns []string
	}{
		{"remotes push", ExitDone, []string{elapsed("connecting"), counted("sending to disk", "objects")}},
		{"remotes list", ExitDone, []string{elapsed("reading the remotes")}},
		{"clone " + disk + " " + copied, ExitDone, []string{elapsed("connecting"), counted("receiving", "objects")}},
		{"repo check", ExitDone, []string{
			counted("checking objects", "objects"), `checking commits  \d+ commits, .* so far`, `checking restore points .*`,
		}},
		{"repo maintain --full", ExitDone, []string{counted("packing", "objects")}},
		{"keys rotate --new-identity --yes", ExitDone, []string{counted("encrypting again", "manifests")}},
		{"points show latest", ExitDone, []string{
			elapsed("looking for the restore point"), counted("reading the restore point", "objects"),
		}},
		{"points prune --keep-last 1 --yes", ExitDone, []string{`reading the restore points  0% .*`}},
		{"points list", ExitDone, []string{`reading the restore points  0% .*`}},
		{"apps list", ExitDone, []string{`reading the restore points  0% .*`}},
		{"log", ExitDone, []string{`reading the history  \d+ commits, [0-9.]+/s, \d+ s so far`}},
		{"conformance " + address + " --destructive --run ^EXP-00[1-7]", ExitDone, []string{counted("checking the contract", "cases")}},
	} {
		args := strings.Fields(test.command)
		if !strings.HasPrefix(test.command, "conformance") && !strings.HasPrefix(test.command, "clone") {
			args = append(args, "--repo", repo)
		}
		if !strings.HasPrefix(test.command, "conformance") && !strings.HasPrefix(test.command, "repo maintain") {
			args = append(args, "--keys", keys)
		}
		w.shows(t, test.code, test.patterns, args...)
	}
}

// With --json there is nothing on the terminal but the answer.
func TestJSONIsAlone(t *testing.T) {
	w := newSlowWorld(t)
	dir := t.TempDir()
	AuditStory(t, dir)
	args := []string{"repo", "check", "--repo", filepath.Join(dir, "mgmt.git"), "--keys", filepath.Join(dir, "keys"), "--json"}
	if code := w.run(t, args...); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, w.screen.text())
	}
	text, drawn := w.screen.text(), strings.Join(w.screen.seen(), "\n")
	if !strings.HasPrefix(text, "{\n") || !strings.HasSuffix(text, "}\n") || strings.Contains(drawn, "checking") {
		t.Errorf("on the terminal:\n%s\ndrawn:\n%s", text, drawn)
	}
}
