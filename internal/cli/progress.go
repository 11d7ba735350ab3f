package cli

import (
	"fmt"
	"sync"
	"time"
)

// progress tells a person that long work goes on. On a terminal one line is
// redrawn in place, at most ten times a second; elsewhere a line is written
// every ten seconds, so that a log shows life without being flooded.
type progress struct {
	streams *Streams
	now     func() time.Time
	label   string

	mu      sync.Mutex
	done    int
	total   int
	started time.Time
	drawn   time.Time
	dirty   bool
}

const (
	redrawEvery = 100 * time.Millisecond
	logEvery    = 10 * time.Second
)

// newProgress starts a piece of work. total may be 0 when it is not known.
func newProgress(s *Streams, now func() time.Time, label string, total int) *progress {
	at := now()
	p := &progress{streams: s, now: now, label: label, total: total, started: at, drawn: at}
	return p
}

// add counts finished units. It may be called from several goroutines.
func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.show()
}

// set says how much is done of how much.
func (p *progress) set(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
	p.show()
}

func (p *progress) show() {
	every := logEvery
	if p.streams.ErrTerminal {
		every = redrawEvery
	}
	if at := p.now(); at.Sub(p.drawn) >= every {
		p.drawn = at
		p.draw()
	}
}

func (p *progress) draw() {
	if !p.streams.ErrTerminal {
		fmt.Fprintf(p.streams.Err, "appbur: %s: %s\n", p.label, p.count())
		return
	}
	p.dirty = true
	p.streams.clearErrLine()
	fmt.Fprintf(p.streams.Err, "%s %s", p.label, p.bar())
}

func (p *progress) count() string {
	if p.total == 0 {
		return fmt.Sprint(p.done)
	}
	return fmt.Sprintf("%d of %d", p.done, p.total)
}

func (p *progress) bar() string {
	if p.total == 0 {
		return p.count()
	}
	const width = 30
	full := min(width, p.done*width/p.total)
	bar := make([]rune, width)
	for i := range bar {
		bar[i] = '·'
		if i < full {
			bar[i] = '█'
		}
	}
	return fmt.Sprintf("%s %s", string(bar), p.count())
}

// finish removes the line and reports how long the work took.
func (p *progress) finish() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirty {
		p.streams.clearErrLine()
	}
	return p.now().Sub(p.started)
}
