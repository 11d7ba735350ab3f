package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/appbur/appbur/internal/progress"
)

// bar tells a person that long work goes on: how far it is, how fast it goes and how long
// it will still take. On a terminal one line is redrawn in place, at most ten times a
// second, and also while nothing is finished; elsewhere, and on a terminal that cannot go
// back in a line, a line is written every ten seconds, so that a log shows life without
// being flooded. With --json nothing is said.
type bar struct {
	env  *env
	stop func()

	mu     sync.Mutex
	task   *progress.Task
	done   int64
	looked time.Time // when the task was told last
	next   time.Time // when it is shown next
	ended  bool
}

const (
	redrawEvery = 100 * time.Millisecond
	logEvery    = 10 * time.Second
	// drawAfter is how long work may take without a line that would only flicker.
	drawAfter = 300 * time.Millisecond
	// tickEvery is how often a line is redrawn although nothing was finished.
	tickEvery = 500 * time.Millisecond
	// usualWidth is that of a terminal that does not say how wide it is.
	usualWidth = 80
)

// bar begins to tell about a piece of work, one at a time. It must be finished.
func (e *env) bar(label string, unit progress.Unit) *bar {
	at := e.now()
	b := &bar{env: e, task: progress.Begin(at, label, unit), looked: at, next: at.Add(logEvery), stop: func() {}}
	if e.inPlace() {
		b.next = at.Add(drawAfter)
	}
	if e.ticker != nil && !e.silent {
		b.stop = b.tick(e.ticker)
	}
	return b
}

// inPlace reports whether a line can be redrawn.
func (e *env) inPlace() bool { return e.ErrTerminal && !e.Dumb }

// tick looks at the clock by itself, until the function that it returns is called.
func (b *bar) tick(ticker func(time.Duration) (<-chan time.Time, func())) (stop func()) {
	ticks, stopTicks := ticker(tickEvery)
	ended := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		for {
			select {
			case <-ticks:
				b.add(0)
			case <-ended:
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		stopTicks()
		close(ended)
		ticking.Wait()
	})
}

// systemTicker is the ticker of [time].
func systemTicker(every time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}

// add counts what was finished. It may be called from several goroutines, as everything
// of a bar.
func (b *bar) add(n int64) { b.change(func() { b.done += n }) }

// set says how much is done of how much; the total is 0 when it is unknown. What is done
// becomes no less: calls may overtake one another.
func (b *bar) set(done, total int64) {
	b.change(func() { b.done, b.task.Total, b.task.About = max(b.done, done), total, false })
}

// setInts is set for callbacks that count with int.
func (b *bar) setInts(done, total int) { b.set(int64(done), int64(total)) }

// expect says how much there may be to do, such as what there was last time.
func (b *bar) expect(total int64) { b.change(func() { b.task.Total, b.task.About = total, true }) }

// note adds something to the line if there is room.
func (b *bar) note(text string) { b.change(func() { b.task.Note = text }) }

// reach says that at least so much is done, and adds a note if there is room.
func (b *bar) reach(done int64, note string) {
	b.change(func() { b.done, b.task.Note = max(b.done, done), note })
}

func (b *bar) change(what func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	what()
	at := b.env.now()
	if b.ended || b.env.silent {
		return
	}

	if at.Sub(b.looked) >= redrawEvery {
		b.looked = at
		b.task.Observe(at, b.done)
	}
	if !at.Before(b.next) {
		b.show(at)
	}
}

func (b *bar) show(at time.Time) {
	e := b.env
	frame := b.task.At(at)
	if !e.inPlace() {
		b.next = at.Add(logEvery)
		fmt.Fprintf(e.Err, "appbur: %s\n", frame.Log())
		return
	}
	b.next = at.Add(redrawEvery)
	e.statusLine().show(frame.Line(e.errWidth()))
}

// finish removes the line and reports how long the work took. It may be repeated.
func (b *bar) finish() time.Duration {
	b.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended && b.env.inPlace() && !b.env.silent {
		b.env.statusLine().clear()
	}
	b.ended = true
	return b.task.Elapsed(b.env.now())
}

// bars are the bars of work that goes through several phases, which it names itself. A new
// phase ends the one before.
type bars struct {
	env *env

	mu    sync.Mutex
	label string
	bar   *bar
	ended bool
}

func (e *env) bars() *bars { return &bars{env: e} }

// of tells the bar of a phase something.
func (p *bars) of(label string, unit progress.Unit, tell func(*bar)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if p.bar == nil || p.label != label {
		p.end()
		p.label, p.bar = label, p.env.bar(label, unit)
	}
	tell(p.bar)
}

// finish ends the last phase.
func (p *bars) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	p.ended = true
}

func (p *bars) end() {
	if p.bar != nil {
		p.bar.finish()
	}
}
