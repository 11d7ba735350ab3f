package podexec

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"sync"
)

// The words by which the scripts say how it went.
const (
	wordEnded = "ended" // the command, with the code
	wordLimit = "limit" // its time was over
	wordSpool = "spool" // the file of the payload could not be written, or read
	wordRests = "rests"
	wordStill = "still"
	wordQuiet = "quiet" // the quiesce command failed, with the code
	wordQTime = "qtime" // its time was over
	wordAlone = "alone" // the application went on before it was told to
)

// tokenLength and lineLength are those of "TOKEN WORD CODE\n".
const (
	tokenLength = 32
	lineLength  = tokenLength + 1 + 5 + 1 + 3 + 1
)

// ending is the last line of a script.
type ending struct {
	word string
	code int
}

// parseLine reads "TOKEN WORD CODE\n".
func parseLine(token string, line []byte) (ending, bool) {
	if len(line) != lineLength || !bytes.HasPrefix(line, []byte(token+" ")) || line[lineLength-1] != '\n' {
		return ending{}, false
	}
	rest := line[tokenLength+1 : lineLength-1]
	code, err := strconv.Atoi(string(rest[6:]))
	return ending{string(rest[:5]), code}, err == nil && rest[5] == ' '
}

// output separates what a command printed from the last line of the script. It may be written to after everybody has
// lost interest in it.
type output struct {
	mu    sync.Mutex
	token string
	to    io.Writer // nil for an output that nobody wants
	held  []byte    // the last bytes, which may be that line
	fault error
	shut  bool
}

// Write implements [io.Writer].
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut {
		return 0, io.ErrClosedPipe
	}
	o.held = append(o.held, b...)
	over := len(o.held) - lineLength
	if over <= 0 {
		return len(b), nil
	}
	if o.to != nil && o.fault == nil {
		if _, err := o.to.Write(o.held[:over]); err != nil {
			o.fault = fmt.Errorf("writing what a command printed: %w", err)
		}
	}
	o.held = append(o.held[:0], o.held[over:]...)
	return len(b), nil
}

// close says how the script ended, if it did; after it nothing is written any more.
func (o *output) close() (e ending, ended bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut = true
	e, ended = parseLine(o.token, o.held)
	return e, ended, o.fault
}

// ended reports whether the last line is there.
func (o *output) ended() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ended := parseLine(o.token, o.held)
	return ended
}

// guardedWriter is a writer that can be taken away from those who still write.
type guardedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements [io.Writer].
func (w *guardedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.to == nil {
		return len(b), nil
	}
	return w.to.Write(b)
}

func (w *guardedWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = nil
}
