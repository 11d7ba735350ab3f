//go:build unix

package kubebuild

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// displayInterval is the time between two lines where lines cannot be rewritten.
const displayInterval = 10 * time.Second

// Display shows progress to a person: one line that is rewritten on a terminal;
// elsewhere a line per phase and about every ten seconds.
type Display struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	now      func() time.Time

	began   time.Time // of the present program
	last    Progress
	lastOut time.Time
	width   int // of the line on the terminal that the next one must cover
}

// NewDisplay writes to out, which is a terminal or not.
func NewDisplay(out io.Writer, terminal bool, now func() time.Time) *Display {
	return &Display{out: out, terminal: terminal, now: now}
}

// Report shows progress. It suits [Builder.Report].
func (d *Display) Report(p Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if d.began.IsZero() || p.Program != d.last.Program || p.Version != d.last.Version {
		d.began = now
		d.last = Progress{}
	}
	changed := p.Phase != d.last.Phase
	d.last = p
	if !d.terminal && !changed && now.Sub(d.lastOut) < displayInterval {
		return
	}

	d.lastOut = now
	line := fmt.Sprintf("%-8s %-24s %s", p.Version, p.Program, describe(p))
	if elapsed := now.Sub(d.began).Round(time.Second); elapsed > 0 {
		line += fmt.Sprintf(" (%s)", elapsed)
	}
	if !d.terminal {
		_, _ = fmt.Fprintln(d.out, line)
		return
	}
	_, _ = fmt.Fprintf(d.out, "\r%-*s", d.width, line)
	d.width = len(line)
	if p.Phase == Finished {
		d.endLine()
	}
}

// Message writes a line of its own, without tearing the progress line.
func (d *Display) Message(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endLine()
	_, _ = fmt.Fprintln(d.out, text)
}

// Close ends a progress line that was left open by a build that failed.
func (d *Display) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endLine()
}

func (d *Display) endLine() {
	if d.width > 0 {
		_, _ = fmt.Fprintln(d.out)
		d.width = 0
	}
}

func describe(p Progress) string {
	switch p.Phase {
	case Compiling:
		return fmt.Sprintf("%s %3d %% (%d of %d packages)", p.Phase, p.Percent(), p.Done, p.Total)
	case Downloading:
		return fmt.Sprintf("%s (%d so far)", p.Phase, p.Modules)
	default:
		return string(p.Phase)
	}
}
