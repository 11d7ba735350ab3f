//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// narrator speaks to the audience: in colour on a terminal, plain otherwise. The
// output of commands goes straight to out, between its lines.
type narrator struct {
	out      *os.File
	terminal bool
	colour   bool
	now      func() time.Time
}

// Colours by meaning (ECMA-48 SGR).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (n *narrator) paint(sgr, text string) string {
	if !n.colour {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

func (n *narrator) say(format string, args ...any) {
	_, _ = fmt.Fprintf(n.out, format+"\n", args...)
}

// heading opens a step.
func (n *narrator) heading(number, of int, title, why string) {
	n.say("\n%s %s", n.paint(dim, fmt.Sprintf("[%d/%d]", number, of)), n.paint(bold, title))
	for line := range strings.SplitSeq(why, "\n") {
		if line != "" {
			n.say("%s", n.paint(dim, line))
		}
	}
}

// command shows a command line as it is typed.
func (n *narrator) command(line string) { n.say("%s %s", n.paint(cyan, "$"), n.paint(bold, line)) }

// proved states something that was checked.
func (n *narrator) proved(format string, args ...any) {
	n.say("%s %s", n.paint(green, "✓"), fmt.Sprintf(format, args...))
}

// remark explains something that could be taken for a failure.
func (n *narrator) remark(format string, args ...any) {
	n.say("%s %s", n.paint(yellow, "→"), fmt.Sprintf(format, args...))
}

// failure reports the error that ends the story.
func (n *narrator) failure(err error) {
	n.say("\n%s %s", n.paint(red, "demo: error:"), err)
	if hint := appbur.HintOf(err); hint != "" {
		n.say("%s %s", n.paint(cyan, "demo: hint:"), hint)
	}
}

// countdown waits, and shows for how much longer.
func (n *narrator) countdown(ctx context.Context, wait time.Duration, what string) error {
	every := time.Second
	if !n.terminal {
		every = 15 * time.Second
	}
	end := n.now().Add(wait)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	done := time.NewTimer(wait)
	defer done.Stop()

	for {
		left := end.Sub(n.now()).Round(time.Second)
		line := fmt.Sprintf("%s: %.0f s to go", what, left.Seconds())
		switch {
		case n.terminal:
			_, _ = fmt.Fprintf(n.out, "\r\x1b[K%s", line)
		case left > 0:
			n.say("%s", line)
		}
		select {
		case <-ctx.Done():
			n.clearLine()
			return ctx.Err()
		case <-done.C:
			n.clearLine()
			return nil
		case <-ticker.C:
		}
	}
}

func (n *narrator) clearLine() {
	if n.terminal {
		_, _ = fmt.Fprint(n.out, "\r\x1b[K")
	}
}
