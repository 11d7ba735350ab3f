package cli

import (
	"bytes"
	"io"
	"sync"
)

// statusLine is the last line of a terminal while long work goes on: it is redrawn in
// place. All other output to the terminal passes it, so that a warning or a result never
// is in the middle of it: the line makes room and comes back below.
type statusLine struct {
	mu  sync.Mutex
	out io.Writer
	// text is what shall be seen, shown whether it is.
	text  string
	shown bool
	// begun says that a line of other output has no end yet, such as a question. Nothing
	// is drawn over it.
	begun bool
}

const (
	// clearLine goes back to the beginning of a line and empties it, clearRest empties
	// what is left of it.
	clearLine = "\r" + clearRest
	clearRest = "\x1b[K"
)

// show draws text, which has less columns than the terminal.
func (l *statusLine) show(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = text
	if !l.begun {
		_, _ = io.WriteString(l.out, "\r"+text+clearRest)
		l.shown = true
	}
}

// clear takes the line away.
func (l *statusLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		_, _ = io.WriteString(l.out, clearLine)
	}
	l.text, l.shown = "", false
}

// write passes other output on.
func (l *statusLine) write(out io.Writer, data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(data) == 0 {
		return nil
	}
	if l.shown {
		_, _ = io.WriteString(l.out, clearLine)
		l.shown = false
	}

	_, err := out.Write(data)
	l.begun = !bytes.HasSuffix(data, []byte("\n"))
	if l.text != "" && !l.begun {
		_, _ = io.WriteString(l.out, l.text)
		l.shown = true
	}
	return err
}

// answered says that somebody has ended a line by typing.
func (l *statusLine) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = false
}
