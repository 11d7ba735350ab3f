//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

// newTestStage is a stage whose programs are shell scripts and whose audience is
// a file.
func newTestStage(t *testing.T, scripts map[string]string) *stage {
	t.Helper()
	bin := t.TempDir()
	for _, name := range programs {
		script := "#!/bin/sh\n" + scripts[name] + "\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}

	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	s, err := newStage(options{bin: bin, dir: filepath.Join(t.TempDir(), "d")}, &narrator{out: out, now: time.Now}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func (s *stage) heard(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCommandShowsItselfItsOutputAndItsRemark(t *testing.T) {
	s := newTestStage(t, map[string]string{"appbur": `echo "one $1"; echo two; echo three; exit 3`})
	err := s.run(t.Context(), command{args: []string{"appbur", "it's"}, head: 2, answers: map[int]string{3: "in part"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "$ appbur 'it'\\''s' | head -n 2\none it's\ntwo\n→ Exit code 3: in part\n"
	if got := s.heard(t); got != want {
		t.Errorf("the audience heard\n%s\nwant\n%s", got, want)
	}
}

func TestCommandWithAnotherExitCodeEndsTheStory(t *testing.T) {
	s := newTestStage(t, map[string]string{"appbur": "exit $1"})
	tests := []struct {
		code    string
		answers map[int]string
		fails   bool
	}{
		{"0", nil, false},
		{"1", nil, true},
		{"20", map[int]string{20: "blocked"}, false},
		{"0", map[int]string{20: "blocked"}, true}, // the surprise may be a success
		{"0", map[int]string{0: "", 3: "in part"}, false},
	}
	for _, tt := range tests {
		err := s.run(t.Context(), command{args: []string{"appbur", tt.code}, answers: tt.answers})
		if (err != nil) != tt.fails {
			t.Errorf("exit code %s, expected %v: %v", tt.code, tt.answers, err)
		}
	}
}

func TestCommandShowsTheEnd(t *testing.T) {
	s := newTestStage(t, map[string]string{"appbur": "echo one; echo two; echo three"})
	if err := s.run(t.Context(), command{args: []string{"appbur"}, tail: 1}); err != nil {
		t.Fatal(err)
	}
	if got := s.heard(t); got != "$ appbur | tail -n 1\nthree\n" {
		t.Errorf("the audience heard %q", got)
	}
}

func TestCommandIntoAFile(t *testing.T) {
	s := newTestStage(t, map[string]string{"appbur": "echo '{}'"})
	if err := s.run(t.Context(), command{args: []string{"appbur"}, into: "report.json"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.path("report.json"))
	if err != nil || string(text) != "{}\n" {
		t.Errorf("report.json holds %q, %v", text, err)
	}
	if got := s.heard(t); got != "$ appbur > report.json\n" {
		t.Errorf("the audience heard %q", got)
	}
}

func TestCommandsDoNotSeeTheAudiencesSettings(t *testing.T) {
	t.Setenv("KUBECONFIG", "/somewhere")
	t.Setenv("APPBUR_REPO", "/somewhere")
	t.Setenv("GIT_DIR", "/somewhere")
	s := newTestStage(t, map[string]string{"appbur": `echo "$KUBECONFIG|$APPBUR_REPO|$GIT_DIR|$APPBUR_KEYS"`})
	got, err := s.ask(t.Context(), nil, "appbur")
	if err != nil {
		t.Fatal(err)
	}
	if want := "|||" + s.path(keysName); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCancelEndsTheWholeGroup(t *testing.T) {
	s := newTestStage(t, map[string]string{"appbur": `sleep 1000 & echo $! > child; echo $$ > parent; wait`})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, command{args: []string{"appbur"}}) }()
	child, parent := waitForPID(t, s.path("child")), waitForPID(t, s.path("parent"))
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("run returned %v", err)
	}
	for _, pid := range []int{child, parent} {
		waitUntilGone(t, pid)
	}
}

func TestServiceIsReadyWhenItSaysSo(t *testing.T) {
	s := newTestStage(t, map[string]string{"fleet-v1": `echo already seeded; echo $$ > pid; echo "fleet is ready"; exec sleep 1000`})
	svc, err := s.serve(t.Context(), "fleet-v1", "unix:///x", "--seed", "1")
	if err != nil {
		t.Fatal(err)
	}
	pid := waitForPID(t, s.path("pid"))
	svc.stop()
	svc.stop()
	waitUntilGone(t, pid)
}

func TestServiceThatEndsIsAnError(t *testing.T) {
	s := newTestStage(t, map[string]string{"fleet-v1": `echo already here; echo no port; exit 7`})
	_, err := s.serve(t.Context(), "fleet-v1", "unix:///x")
	if err == nil || !strings.Contains(err.Error(), "exit code 7") || !strings.Contains(err.Error(), "no port") {
		t.Errorf("got %v", err)
	}
}

func TestRunStopsAtTheFirstFailure(t *testing.T) {
	s := newTestStage(t, nil)
	var done []string
	tell := func(name string, err error) step {
		return step{title: name, do: func(context.Context, *stage) error { done = append(done, name); return err }}
	}
	broken := errors.New("broken")
	err := run(t.Context(), s, []step{tell("First", nil), tell("Second", broken), tell("Third", nil)})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "step 2, second") {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(done, []string{"First", "Second"}) {
		t.Errorf("did %q", done)
	}
	if len(s.timings) != 1 {
		t.Errorf("timed %d steps", len(s.timings))
	}
}

func TestInterruptedStoryExitsWith130(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newTestStage(t, nil)
	if code := perform(ctx, options{bin: s.bin, dir: filepath.Join(t.TempDir(), "d")}, s.narrator, nil); code != exitCancelled {
		t.Errorf("exit code %d", code)
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	_, err := newStage(options{bin: t.TempDir()}, nil, nil)
	if err == nil || !strings.Contains(appbur.HintOf(err), "make build") {
		t.Errorf("got %v", err)
	}
}

func TestParseOptions(t *testing.T) {
	var said bytes.Buffer
	o, err := parseOptions([]string{"-keep", "-wait", "5s"}, &said)
	if err != nil || !o.keep || o.wait != 5*time.Second || o.bin != "bin" {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, args := range [][]string{{"--nonsense"}, {"surplus"}} {
		if _, err := parseOptions(args, &said); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestEveryStepHasATitleAndAFunction(t *testing.T) {
	titles := map[string]bool{}
	for _, st := range story(options{wait: time.Minute}) {
		if st.title == "" || st.do == nil || titles[st.title] {
			t.Errorf("step %q is incomplete or told twice", st.title)
		}
		titles[st.title] = true
	}
}

func TestPairRefusesWhatIsMissing(t *testing.T) {
	app := func(datasets ...appbur.Dataset) []appbur.AppState {
		return []appbur.AppState{{AppKey: appbur.AppKey{Namespace: "n", Name: "fleet"}, Datasets: datasets}}
	}
	before := app(appbur.Dataset{Name: "clusters", Schema: "1.0", Rows: 3})
	pairs, err := pair(before, app(appbur.Dataset{Name: "clusters", Schema: "2.0", Rows: 3}))
	if err != nil || len(pairs) != 1 || pairs[0] != (records{"clusters", "1.0", "2.0", 3, 3}) {
		t.Errorf("got %v, %v", pairs, err)
	}
	if _, err := pair(before, app()); err == nil {
		t.Error("a missing dataset was accepted")
	}
	s := newTestStage(t, nil)
	s.saved, s.restored = before, app(appbur.Dataset{Name: "clusters", Schema: "2.0", Rows: 2})
	if err := s.compareRecords(); err == nil {
		t.Error("a missing record was accepted")
	}
}

// waitForPID waits for a script to write a process id.
func waitForPID(t *testing.T, path string) int {
	t.Helper()
	pid := 0
	poll(t, "a process id in "+path, func() bool {
		text, err := os.ReadFile(path)
		if err != nil || !bytes.HasSuffix(text, []byte("\n")) {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return true
	})
	return pid
}

// waitUntilGone waits until a process has ended. A zombie, which waits for
// whoever adopted it, has ended.
func waitUntilGone(t *testing.T, pid int) {
	t.Helper()
	poll(t, "a process to end", func() bool {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return true
		}
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		return err == nil && bytes.Contains(stat, []byte(") Z "))
	})
}

func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
