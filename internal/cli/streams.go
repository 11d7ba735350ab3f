package cli

import (
	"cmp"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// Streams are the three standard streams and what is known of them. Results go
// to Out, everything else (progress, warnings, questions) to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// OutTerminal and ErrTerminal say whether a person is looking: tables are
	// aligned and coloured, and progress is drawn in place.
	OutTerminal, ErrTerminal bool
	// InTerminal says whether a question can be answered.
	InTerminal bool
	// Colour is off when NO_COLOR is set (no-color.org) or TERM is dumb.
	Colour bool
	// Width is that of the terminal in columns, or 0.
	Width int
	// Dumb is a terminal that cannot go back in a line (TERM is dumb).
	Dumb bool
	// ErrWidth tells how wide the terminal at Err is now, or 0: people resize their
	// windows in the middle of long work. It may be nil.
	ErrWidth func() int

	// status is the line of the terminal that progress is drawn in.
	status *statusLine
}

// SystemStreams describes the process's own streams.
func SystemStreams(getenv func(string) string) *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  isatty.IsTerminal(os.Stdin.Fd()),
		OutTerminal: isatty.IsTerminal(os.Stdout.Fd()),
		ErrTerminal: isatty.IsTerminal(os.Stderr.Fd()),
		Colour:      getenv("NO_COLOR") == "" && getenv("TERM") != "dumb",
		Dumb:        getenv("TERM") == "dumb",
		ErrWidth:    func() int { return widthOf(os.Stderr) },
	}
	if s.OutTerminal {
		s.Width = widthOf(os.Stdout)
	}
	return s
}

// widthOf returns how many columns a terminal has, 0 if it does not say.
func widthOf(terminal *os.File) int {
	width, _, err := term.GetSize(int(terminal.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// errWidth is how wide the terminal at Err is.
func (s *Streams) errWidth() int {
	width := 0
	if s.ErrWidth != nil {
		width = s.ErrWidth()
	}
	return cmp.Or(max(0, width), s.Width, usualWidth)
}

// statusLine is the line of Err that progress is drawn in.
func (s *Streams) statusLine() *statusLine {
	if s.status == nil {
		s.status = &statusLine{out: s.Err}
	}
	return s.status
}

// Colours by meaning (ECMA-48 SGR).
const (
	sgrBold   = "1"
	sgrDim    = "2"
	sgrRed    = "31"
	sgrGreen  = "32"
	sgrYellow = "33"
	sgrCyan   = "36"
)

// paint colours text for Out when a person is looking.
func (s *Streams) paint(sgr, text string) string {
	if !s.OutTerminal {
		return text
	}
	return s.sgr(sgr, text)
}

// paintErr is paint for Err.
func (s *Streams) paintErr(sgr, text string) string {
	if !s.ErrTerminal {
		return text
	}
	return s.sgr(sgr, text)
}

func (s *Streams) sgr(code, text string) string {
	if !s.Colour || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
