package cli

import (
	"io"
	"strings"
)

// fieldIndent is where the values of fields stand, as in `points show`.
const fieldIndent = 15

// paragraphs writes lines that are sentences or fields and no rows of a table. A line that
// is wider than the terminal goes on in further lines, which begin below its text. Words
// are never cut: names, paths and digests are copied from there.
type paragraphs struct {
	out   io.Writer
	width int
	// hang is where further lines begin, for example below the values of fields.
	hang int
}

// paragraphs returns what to write complete lines to. For a pipe, and for a terminal of
// unknown width, it is Out itself.
func (e *env) paragraphs(hang int) io.Writer {
	if !e.OutTerminal || e.Width <= 0 {
		return e.Out
	}
	return paragraphs{e.Out, max(e.Width, narrowest), hang}
}

// Write implements [io.Writer].
func (p paragraphs) Write(data []byte) (int, error) {
	var wrapped strings.Builder
	for line := range strings.Lines(string(data)) {
		body, end := strings.CutSuffix(line, "\n")
		p.wrap(&wrapped, body)
		if end {
			wrapped.WriteByte('\n')
		}
	}
	if _, err := io.WriteString(p.out, wrapped.String()); err != nil {
		return 0, err
	}
	return len(data), nil
}

// wrap breaks one line at spaces.
func (p paragraphs) wrap(to *strings.Builder, line string) {
	if p.widthOf(line) <= p.width {
		to.WriteString(line)
		return
	}

	leading := len(line) - len(strings.TrimLeft(line, " "))
	hang := min(max(p.hang, leading+len(belowIndent)), p.width/2)
	used, begun := 0, false
	for line != "" {
		var spaces, word string
		spaces, word, line = nextWord(line)

		width := p.widthOf(word)
		indent := len(spaces)
		if begun && used+indent+width > p.width {
			to.WriteByte('\n')
			used, indent = 0, hang
			if hang+width > p.width {
				indent = aloneAt(width, p.width)
			}
		}
		to.WriteString(strings.Repeat(" ", indent) + word)
		used, begun = used+indent+width, true
	}
}

// widthOf is the width of text that may have the colours of this program in it.
func (p paragraphs) widthOf(text string) int {
	for _, colour := range ownColours {
		text = strings.ReplaceAll(text, string(colour), "")
	}
	return textWidth(shownText(text))
}
