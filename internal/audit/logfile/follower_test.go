package logfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// taken is an intake that keeps what it takes.
type taken struct{ lines, refused []string }

func (t *taken) Take(event []byte)    { t.lines = append(t.lines, string(event)) }
func (t *taken) Refuse(reason string) { t.refused = append(t.refused, reason) }

// place of a test: a directory with a log and a state file.
type log struct {
	t         *testing.T
	path      string
	taken     *taken
	follower  *Follower
	messages  bytes.Buffer
	options   Options
	generated int
}

func newLog(t *testing.T) *log {
	dir := t.TempDir()
	l := &log{t: t, path: filepath.Join(dir, "audit.log"), taken: &taken{}}
	l.options = Options{Path: l.path, State: filepath.Join(dir, "state.json"), Log: slog.New(slog.NewTextHandler(&l.messages, nil))}
	l.restart()
	return l
}

// restart ends the follower in order and starts another one.
func (l *log) restart() {
	if l.follower != nil {
		l.follower.close()
	}
	l.follower = New(l.taken, l.options)
	if err := l.follower.restore(); err != nil {
		l.t.Fatal(err)
	}
}

// write appends lines to the log and returns them.
func (l *log) write(n int) {
	for range n {
		l.generated++
		l.append(line(l.generated) + "\n")
	}
}

// line is long enough that a few make a head.
func line(i int) string { return fmt.Sprintf("event %d %s", i, strings.Repeat("x", 400)) }

func (l *log) append(text string) {
	l.t.Helper()
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		l.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		l.t.Fatal(err)
	}
}

// look is one look of the follower at the log.
func (l *log) look() {
	l.t.Helper()
	err := l.follower.step(context.Background())
	if err := errors.Join(err, l.follower.save()); err != nil {
		l.t.Fatal(err)
	}
}

// rename moves the log aside, as API servers do.
func (l *log) rename(name string) {
	l.t.Helper()
	if err := os.Rename(l.path, filepath.Join(filepath.Dir(l.path), name)); err != nil {
		l.t.Fatal(err)
	}
}

// compress puts a gzip file in the place of a backup.
func (l *log) compress(name string) {
	l.t.Helper()
	path := filepath.Join(filepath.Dir(l.path), name)
	text, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, _ = w.Write(text)
	_ = w.Close()
	if err := os.WriteFile(path+".gz", compressed.Bytes(), 0o600); err != nil {
		l.t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		l.t.Fatal(err)
	}
}

// all demands that each line came, in order, and no other; a line may come again.
func (l *log) all() {
	l.t.Helper()
	var want []string
	for i := range l.generated {
		want = append(want, line(i+1))
	}
	var got []string
	for _, line := range l.taken.lines {
		if !slices.Contains(got, line) {
			got = append(got, line)
		}
	}
	if !slices.Equal(got, want) || len(l.taken.refused) > 0 {
		l.t.Errorf("%d of %d lines came, refused %v\n%s", len(got), len(want), l.taken.refused, l.messages.String())
	}
}

// TestEachLineIsTaken: through each way of rotation, with and without a restart in between, each line comes.
func TestEachLineIsTaken(t *testing.T) {
	rotations := map[string]func(l *log){
		"none": func(*log) {},
		"an API server renames": func(l *log) {
			l.rename("audit-2026-11-30T12-00-00.000.log")
		},
		"an API server renames and compresses": func(l *log) {
			l.rename("audit-2026-11-30T12-00-00.000.log")
			l.compress("audit-2026-11-30T12-00-00.000.log")
		},
		"twice": func(l *log) {
			l.rename("audit-2026-11-30T12-00-00.000.log")
			l.write(3)
			l.rename("audit-2026-11-30T12-00-01.000.log")
			l.compress("audit-2026-11-30T12-00-00.000.log")
		},
		"logrotate": func(l *log) { l.rename("audit.log.1") },
		"logrotate copies and truncates": func(l *log) {
			text, err := os.ReadFile(l.path)
			if err != nil {
				l.t.Fatal(err)
			}
			if err := os.WriteFile(l.path+".1", text, 0o600); err != nil {
				l.t.Fatal(err)
			}
			if err := os.Truncate(l.path, 0); err != nil {
				l.t.Fatal(err)
			}
		},
	}
	for name, rotate := range rotations {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s restart=%v", name, restart), func(t *testing.T) {
				l := newLog(t)
				l.write(5)
				l.look()
				l.write(4)
				if restart {
					l.follower.close()
				}
				rotate(l)
				l.write(6)
				if restart {
					l.restart()
				}
				l.look()
				l.write(1)
				l.look()
				l.all()
				if text := l.messages.String(); text != "" {
					t.Error(text)
				}
			})
		}
	}
}

// TestHalfALineWaits: a line that is being written is taken when it is whole, once.
func TestHalfALineWaits(t *testing.T) {
	l := newLog(t)
	l.write(1)
	l.append("half")
	l.look()
	l.look()
	l.append(" a line\n")
	l.look()
	if want := []string{line(1), "half a line"}; !slices.Equal(l.taken.lines, want) {
		t.Errorf("%q", l.taken.lines)
	}
}

// TestLongLine: a line that is too long is skipped without being in memory; what follows is not.
func TestLongLine(t *testing.T) {
	l := newLog(t)
	l.options.Line = 100_000
	l.restart()
	l.append(strings.Repeat("a", 3<<20) + "\nshort\n" + strings.Repeat("b", 99_000) + "\n")
	l.look()
	if !slices.Equal(l.taken.refused, []string{"too_large"}) || len(l.taken.lines) != 2 || l.taken.lines[0] != "short" {
		t.Errorf("%d lines, refused %v", len(l.taken.lines), l.taken.refused)
	}
}

// TestFirstLook: of a log that was not followed before only the end is read, from the start of a line.
func TestFirstLook(t *testing.T) {
	l := newLog(t)
	l.options.Before = 1000
	l.restart()
	l.write(100)
	l.look()
	if want := []string{line(99), line(100)}; !slices.Equal(l.taken.lines, want) {
		t.Errorf("%d lines", len(l.taken.lines))
	}
}

// TestBackupThatIsGone: what cannot be found is said, and the log goes on.
func TestBackupThatIsGone(t *testing.T) {
	l := newLog(t)
	l.write(5)
	l.look()
	l.follower.close()
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	l.append("new\n")
	l.restart()
	l.look()
	if last := l.taken.lines[len(l.taken.lines)-1]; last != "new" || !strings.Contains(l.messages.String(), "events may be missing") {
		t.Errorf("%q\n%s", last, l.messages.String())
	}
}

// TestFaultsAreToldOnce: a log that cannot be read is told, once, and that it is well again.
func TestFaultsAreToldOnce(t *testing.T) {
	l := newLog(t)
	for range 3 {
		err := l.follower.step(t.Context())
		var fault *FaultError
		if !errors.As(err, &fault) || fault.Path != l.path || !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%v", err)
		}
		l.follower.tell(err)
	}
	l.write(1)
	l.follower.tell(l.follower.step(t.Context()))
	l.all()
	text := l.messages.String()
	if strings.Count(text, "level=ERROR") != 1 || strings.Count(text, "is read again") != 1 {
		t.Error(text)
	}
}

// TestDamagedState: a state file that cannot be read is as good as none, and is replaced.
func TestDamagedState(t *testing.T) {
	for _, text := range []string{"", "{", `{"offset":-1}`, `{"path":"/elsewhere","offset":7}`} {
		l := newLog(t)
		if err := os.WriteFile(l.options.State, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l.write(3)
		l.restart()
		l.look()
		l.all()
		l.restart()
		l.write(1)
		l.look()
		l.all()
		if len(l.taken.lines) != 4 {
			t.Errorf("%d lines", len(l.taken.lines))
		}
	}
}

// TestRun: until its context ends it follows, and keeps its place.
func TestRun(t *testing.T) {
	l := newLog(t)
	l.write(3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.follower.Run(ctx)
	l.restart()
	l.look()
	l.all()
}
