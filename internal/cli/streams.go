package cli

import (
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
}

// SystemStreams describes the process's own streams.
func SystemStreams(getenv func(string) string) *Streams {
	s := &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  isatty.IsTerminal(os.Stdin.Fd()),
		OutTerminal: isatty.IsTerminal(os.Stdout.Fd()),
		ErrTerminal: isatty.IsTerminal(os.Stderr.Fd()),
		Colour:      getenv("NO_COLOR") == "" && getenv("TERM") != "dumb",
	}
	if s.OutTerminal {
		if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			s.Width = width
		}
	}
	return s
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
