package cli

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"unicode"
	"unicode/utf8"
)

// terminalWriter is the one place that all output passes on its way to a terminal. Names,
// values and messages come from a cluster or a repository, so anybody may have written
// them; a terminal obeys what is in them (ECMA-48): it moves the cursor, hides lines, sets
// titles and clipboards. Characters that a terminal obeys are written as Go would quote
// them. Lines, tabs and the colours of this program pass.
//
// Pipes and files get the bytes as they are, as with git and kubectl.
type terminalWriter struct {
	mu  sync.Mutex
	out io.Writer
	// line is what is drawn on the same terminal, nil if nothing ever is.
	line *statusLine
	// begun is the beginning of a character whose rest comes with the next write.
	begun []byte
}

// ownColours are the sequences that [Streams.sgr] writes. They change how text looks and
// nothing else.
var ownColours = [][]byte{
	[]byte("\x1b[0m"), []byte("\x1b[" + sgrBold + "m"), []byte("\x1b[" + sgrDim + "m"), []byte("\x1b[" + sgrRed + "m"),
	[]byte("\x1b[" + sgrGreen + "m"), []byte("\x1b[" + sgrYellow + "m"), []byte("\x1b[" + sgrCyan + "m"),
}

// forTerminals returns streams whose terminals are written to through a [terminalWriter].
func (s *Streams) forTerminals() *Streams {
	escaped := *s
	if s.ErrTerminal {
		escaped.status = &statusLine{out: s.Err}
		escaped.Err = &terminalWriter{out: s.Err, line: escaped.status}
	}
	if s.OutTerminal {
		escaped.Out = &terminalWriter{out: s.Out, line: escaped.status}
	}
	return &escaped
}

// Write implements [io.Writer].
func (w *terminalWriter) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.begun, data...)
	w.begun = nil

	var line bytes.Buffer
	for len(text) > 0 {
		if n := ownColour(text); n > 0 {
			line.Write(text[:n])
			text = text[n:]
			continue
		}
		if !utf8.FullRune(text) {
			w.begun = bytes.Clone(text)
			break
		}
		r, n := utf8.DecodeRune(text)
		line.WriteString(visible(r, text[:n]))
		text = text[n:]
	}

	if err := w.pass(line.Bytes()); err != nil {
		return 0, err
	}
	return len(data), nil
}

func (w *terminalWriter) pass(text []byte) error {
	if w.line != nil {
		return w.line.write(w.out, text)
	}
	_, err := w.out.Write(text)
	return err
}

func ownColour(text []byte) int {
	if text[0] != '\x1b' {
		return 0
	}
	for _, colour := range ownColours {
		if bytes.HasPrefix(text, colour) {
			return len(colour)
		}
	}
	return 0
}

// visible returns how a character is shown: itself, or its escape where a terminal would
// obey it (control characters, also those of ISO 6429 above ASCII) or show other
// characters out of their order (format characters, such as marks of direction: Unicode
// Standard Annex 9).
func visible(r rune, raw []byte) string {
	switch {
	case r == '\n' || r == '\t':
		return string(r)
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r < utf8.RuneSelf && unicode.IsControl(r):
		return fmt.Sprintf(`\x%02x`, r)
	case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
}
