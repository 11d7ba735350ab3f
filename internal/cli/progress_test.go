package cli

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
)

// clock is a time that passes as a test says.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// tickers counts those that were started and not stopped. A tick is looked at when the
// channel has taken the next one.
type tickers struct {
	mu      sync.Mutex
	ticks   chan time.Time
	started int
	running int
}

func (t *tickers) start(time.Duration) (<-chan time.Time, func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ticks = make(chan time.Time)
	t.started++
	t.running++
	return t.ticks, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.running--
	}
}

func (t *tickers) tick() {
	t.ticks <- time.Time{}
	t.ticks <- time.Time{}
}

// onTerminal is a world whose standard output and error are one terminal.
func onTerminal(width int) (*env, *screen, *clock, *tickers) {
	s, c, t := &screen{width: width}, newClock(), &tickers{}
	e := &env{
		Streams: &Streams{
			In: strings.NewReader(""), Out: s, Err: s, OutTerminal: true, ErrTerminal: true, Colour: true,
			ErrWidth: func() int { return width },
		},
		now: c.now, ticker: t.start, getenv: func(string) string { return "" },
	}
	e.Streams = e.forTerminals()
	return e, s, c, t
}

// A scripted story on terminals of three widths: what a person sees after each line of
// the script, and what stays.
func TestProgressGolden(t *testing.T) {
	var out strings.Builder
	for _, width := range []int{40, 80, 200} {
		e, s, c, ticks := onTerminal(width)
		fmt.Fprintf(&out, "=== %d columns\n", width)
		see := func(what string) {
			fmt.Fprintf(&out, "--- %s\n%s\n", what, strings.ReplaceAll("|"+s.text(), "\n", "\n|"))
		}

		b := e.bar("reading the cluster", "objects")
		b.expect(5000)
		for range 20 {
			c.pass(100 * time.Millisecond)
			b.add(25)
		}
		see("two seconds, 500 objects")
		e.warn("a type could not be read")
		see("a warning")
		fmt.Fprintln(e.Out, "a result")
		see("a result")
		c.pass(7 * time.Second)
		ticks.tick()
		see("nothing for seven seconds")
		b.finish()
		see("the end")
	}

	const golden = "testdata/progress.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("the screen differs from %s (-want +got; -update rewrites it):\n%s", golden, diff)
	}
}

// However often something is finished, the line is redrawn ten times a second.
func TestProgressIsDrawnTenTimesASecond(t *testing.T) {
	e, s, c, _ := onTerminal(80)
	writes := 0
	e.status.out = writerFunc(func(data []byte) (int, error) { writes++; return s.Write(data) })
	b := e.bar("restoring", "steps")
	for done := range int64(3000) {
		c.pass(time.Millisecond)
		b.set(done, 5000)
	}

	if most := 3 * int(time.Second/redrawEvery); writes > most || writes < most-5 {
		t.Errorf("drawn %d times in three seconds", writes)
	}
	b.finish()
	if s.text() != "" || len(s.wrapped) > 0 {
		t.Errorf("left behind: %q, wrapped: %q", s.text(), s.wrapped)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(data []byte) (int, error) { return f(data) }

// Work that ends soon draws nothing, and a window that becomes smaller is noticed.
func TestShortWorkDrawsNothing(t *testing.T) {
	e, s, c, _ := onTerminal(80)
	b := e.bar("checking objects", "objects")
	c.pass(drawAfter - time.Millisecond)
	b.set(5, 10)
	b.finish()
	if drawn := s.seen(); len(drawn) > 0 {
		t.Errorf("drawn: %q", drawn)
	}
}

func TestAResizedTerminalIsNoticed(t *testing.T) {
	e, s, c, _ := onTerminal(80)
	b := e.bar("checking objects", "objects")
	defer b.finish()
	c.pass(2 * time.Second)
	b.set(50_000, 100_000)
	wide := len(s.seen()[0])
	e.ErrWidth = func() int { return 30 }
	c.pass(time.Second)
	b.set(60_000, 100_000)
	if narrow := s.seen()[1]; wide < 60 || len(narrow) >= 30 {
		t.Errorf("%d columns, then %q", wide, narrow)
	}
}

// A question stands until it is answered; progress begins below it.
func TestProgressDoesNotOverwriteAQuestion(t *testing.T) {
	e, s, c, _ := onTerminal(80)
	b := e.bar("restoring", "steps")
	defer b.finish()
	fmt.Fprint(e.Err, "Go on? [yes/no] ")
	c.pass(time.Second)
	b.set(1, 10)
	if got := s.text(); got != "Go on? [yes/no]" {
		t.Errorf("the question became %q", got)
	}

	e.InTerminal, e.In = true, strings.NewReader("yes\n")
	if err := e.confirm(t.Context(), "Really?"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("yes\r\n")); err != nil { // what a terminal shows of the answer
		t.Fatal(err)
	}
	c.pass(time.Second)
	b.set(2, 10)
	if got := s.text(); !strings.Contains(got, "Really? [yes/no] yes\nrestoring  20%") {
		t.Errorf("after the answer: %q", got)
	}
}

// Where a line cannot be redrawn there is one every ten seconds, and with --json none.
func TestProgressElsewhere(t *testing.T) {
	const lines = "appbur: restoring: 20%, 100 of 500 steps, 10/s, 40 s left\n" +
		"appbur: restoring: 40%, 200 of 500 steps, 10/s, 30 s left\n"
	for _, test := range []struct {
		name   string
		change func(*env)
		want   string
	}{
		{"a pipe", func(e *env) { e.ErrTerminal = false }, lines},
		{"a dumb terminal", func(e *env) { e.Dumb = true }, lines},
		{"json in a pipe", func(e *env) { e.ErrTerminal, e.silent = false, true }, ""},
		{"json on a terminal", func(e *env) { e.silent = true }, ""},
	} {
		e, s, c, ticks := onTerminal(80)
		test.change(e)

		b := e.bar("restoring", "steps")
		for done := range int64(250) {
			b.set(done, 500)
			c.pass(100 * time.Millisecond)
		}
		b.finish()

		if got := s.text(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if ticks.running != 0 {
			t.Errorf("%s: a ticker still runs", test.name)
		}
	}
}

// A log shows life although nothing is finished.
func TestALogLivesWithoutProgress(t *testing.T) {
	e, s, c, ticks := onTerminal(80)
	e.ErrTerminal = false
	b := e.bar("connecting", progress.Uncounted)
	for range 25 {
		c.pass(time.Second)
		ticks.tick()
	}
	b.finish()
	if got, want := s.text(), "appbur: connecting: 10 s so far\nappbur: connecting: 20 s so far\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// NO_COLOR and TERM=dumb are respected whatever is told.
func TestProgressHasNoColourOfItsOwn(t *testing.T) {
	e, s, c, _ := onTerminal(80)
	e.Colour = false
	var raw bytes.Buffer
	e.status.out = writerFunc(func(data []byte) (int, error) { raw.Write(data); return s.Write(data) })
	b := e.bar("restoring", "steps")
	c.pass(time.Second)
	b.set(1, 2)
	b.finish()
	if colour := regexp.MustCompile(`\x1b\[[0-9;]*m`).FindString(raw.String()); colour != "" || raw.Len() == 0 {
		t.Errorf("written: %q", raw.String())
	}
}

// A restore says why it waits as long as nothing is finished.
func TestARestoreSaysWhyItWaits(t *testing.T) {
	e, s, c, _ := onTerminal(120)
	b := e.bar("restoring", "steps")
	defer b.finish()
	steps := stepProgress{b}
	for _, test := range []struct {
		event restore.Event
		want  string
	}{
		{restore.Event{Kind: restore.EventFinished, Done: 10, Total: 40}, "10 of 40 steps, 10/s, 3 s left"},
		{restore.Event{Kind: restore.EventWaiting, Done: 10, Total: 40, Retry: "throttled"}, "10 of 40 steps, trying again (throttled), "},
		{restore.Event{Kind: restore.EventFinished, Done: 20, Total: 40}, "20 of 40 steps, 6.5/s, 3 s left"},
	} {
		c.pass(time.Second)
		steps.Progress(test.event)
		if got := s.text(); !strings.Contains(got, test.want) {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// What is known of the terminal comes from the environment and the streams.
func TestADumbTerminalIsKnown(t *testing.T) {
	for name, want := range map[string]bool{"dumb": true, "xterm-256color": false, "": false} {
		s := SystemStreams(func(string) string { return name })
		if s.Dumb != want {
			t.Errorf("TERM=%q is dumb: %v", name, s.Dumb)
		}
	}
}

// Everything of a bar may come from several goroutines, and nothing is drawn after the
// end.
func TestProgressFromManyGoroutines(t *testing.T) {
	e, s, c, ticks := onTerminal(80)
	phases := e.bars()
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range int64(200) {
				c.pass(10 * time.Millisecond)
				phases.of(fmt.Sprint("phase ", i/50), "objects", func(b *bar) { b.set(i, 200) })
				if i%40 == 0 {
					e.warn("worker %d", worker)
				}
			}
		})
	}
	all.Wait()
	phases.finish()
	phases.of("late", "objects", func(b *bar) { b.set(1, 2) })

	for line := range strings.Lines(s.text()) {
		if line != "\n" && !regexp.MustCompile(`^appbur: \S*warning:\S* worker \d\n$`).MatchString(line) {
			t.Errorf("left behind: %q", line)
		}
	}
	if len(s.wrapped) > 0 || ticks.running != 0 {
		t.Errorf("wrapped: %q, tickers that run: %d", s.wrapped, ticks.running)
	}
}
