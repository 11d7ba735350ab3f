package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

func testEnv(terminal bool) (*env, *bytes.Buffer, *bytes.Buffer) {
	var out, errs bytes.Buffer
	return &env{
		Streams: &Streams{In: strings.NewReader(""), Out: &out, Err: &errs, OutTerminal: terminal, ErrTerminal: terminal, Colour: terminal},
		now:     func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
		getenv:  func(string) string { return "" },
	}, &out, &errs
}

// People get aligned columns, pipes get tabs, and both get a header unless they do not
// want it.
func TestTableForPeopleAndPipes(t *testing.T) {
	print := func(terminal, noHeaders bool) string {
		e, out, _ := testEnv(terminal)
		e.noHeaders = noHeaders
		tab := e.newTable(column{name: "id", fit: copied}, column{name: "objects"})
		tab.add(coloured(sgrCyan, "20261121T030238Z"), number(7))
		tab.add(plain("x\ty\nz"), number(1200))
		tab.print(out)
		return out.String()
	}

	header := "\x1b[1mID\x1b[0m                \x1b[1mOBJECTS\x1b[0m\n"
	for _, test := range []struct {
		terminal, noHeaders bool
		want                string
	}{
		{false, false, "ID\tOBJECTS\n20261121T030238Z\t7\nx y z\t1200\n"},
		{false, true, "20261121T030238Z\t7\nx y z\t1200\n"},
		{true, false, header + "\x1b[36m20261121T030238Z\x1b[0m  7\nx    y z          1200\n"},
		{true, true, "\x1b[36m20261121T030238Z\x1b[0m  7\nx    y z          1200\n"},
	} {
		if got := print(test.terminal, test.noHeaders); got != test.want {
			t.Errorf("terminal %v, without headers %v: %q, want %q", test.terminal, test.noHeaders, got, test.want)
		}
	}
}

// Lines of files keep their tabs.
func TestPipedLinesOfFiles(t *testing.T) {
	e, out, _ := testEnv(false)
	tab := e.newTable(blameColumns...)
	tab.add(plain("0123456789ab"), plain("now"), plain("a\tb"), number(1), plain("\tindented\r"))
	tab.print(out)
	if _, got, _ := strings.Cut(out.String(), "\n"); got != "0123456789ab\tnow\ta b\t1\t\tindented \n" {
		t.Errorf("printed %q", got)
	}
}

// What has no rows has no header either: a program that counts lines counts none.
func TestTableWithoutRows(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		e, out, _ := testEnv(terminal)
		e.newTable(column{name: "id"}).print(out)
		if out.Len() > 0 {
			t.Errorf("printed %q", out)
		}
	}
}

// A message from outside cannot draw on the terminal or fake a second line.
func TestErrorsStayOnTheirLine(t *testing.T) {
	e, _, errs := testEnv(false)
	e.reportError(appbur.WithHint(errors.New("bad\nappbur: hint: run rm -rf\x1b[2J"), "try\tagain"), false)
	if got, want := errs.String(), "appbur: error: bad appbur: hint: run rm -rf[2J\nappbur: hint: try again\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestWhenForPeopleAndPipes(t *testing.T) {
	e, _, _ := testEnv(false)
	at := e.now().Add(-90 * time.Minute)
	if got := e.when(at); got != "2026-11-21T10:30:00Z" {
		t.Errorf("pipe: %s", got)
	}
	e, _, _ = testEnv(true)
	for ago, want := range map[time.Duration]string{
		30 * time.Second: "30 s ago", 90 * time.Second: "1 min ago", 90 * time.Minute: "1 h ago", 72 * time.Hour: "3 days ago",
		-time.Hour: "0 s ago",
	} {
		if got := e.when(e.now().Add(-ago)); got != want {
			t.Errorf("%v: %q, want %q", ago, got, want)
		}
	}
}

func TestSizeText(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 3 << 29: "1.5 GiB"} {
		if got := sizeText(bytes); got != want {
			t.Errorf("sizeText(%d) = %q, want %q", bytes, got, want)
		}
	}
}

// Who cannot answer is never asked, and anything but yes is a no.
func TestConfirm(t *testing.T) {
	e, _, _ := testEnv(false)
	if code := exitCode(e.confirm(context.Background(), "Go on?")); code != ExitUsage {
		t.Errorf("without a terminal the exit code is %d", code)
	}
	for answer, want := range map[string]int{
		"yes\n": ExitDone, "YES\n": ExitDone, "y\n": ExitCancelled, "\n": ExitCancelled,
		"": ExitCancelled,
	} {
		e, _, errs := testEnv(true)
		e.InTerminal, e.In = true, strings.NewReader(answer)
		if code := exitCode(e.confirm(context.Background(), "Go on?")); code != want {
			t.Errorf("answer %q: exit code %d, want %d", answer, code, want)
		}
		if !strings.Contains(errs.String(), "Go on? [yes/no]") {
			t.Errorf("asked %q", errs.String())
		}
	}
}

// Who interrupts a question reads that nothing was done, and the exit code is that of
// an interrupt; the settings are as they were.
func TestInterruptAtAQuestion(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e, _, errs := testEnv(false)
	e.InTerminal, e.In, e.rand = true, interrupting{cancel}, rand.Reader
	code := Run(ctx, e, []string{"config", "set", "guards.share", "0.25", "--repo", b.repo, "--keys", b.keys})
	if code != ExitCancelled || !strings.HasSuffix(errs.String(), "\nappbur: error: cancelled before an answer, nothing was changed\n") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if _, shown, _ := b.run(nil, "config", "show", "--repo", b.repo, "--keys", b.keys); strings.Contains(shown, "0.25") {
		t.Errorf("the setting was changed: %s", shown)
	}
}
