package cli

import (
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// ellipsis is put where text was cut.
const ellipsis = "…"

// cells says how many columns of a terminal a character takes, as wcwidth does in most
// terminals: two for the wide ones of East Asia, none for marks that combine with the
// character before. What the locale of the process says of ambiguous ones is left out, so
// that output depends on the terminal's width alone.
var cells = runewidth.Condition{}

// textWidth is the width of text in columns of a terminal.
func textWidth(text string) int {
	width := 0
	for _, r := range text {
		width += cells.RuneWidth(r)
	}
	return width
}

// splitWidth splits text after as many characters as the width holds. Marks stay with
// their character. At least one character goes into the first part.
func splitWidth(text string, width int) (head, tail string) {
	used := 0
	for i, r := range text {
		used += cells.RuneWidth(r)
		if used > width && i > 0 {
			return text[:i], text[i:]
		}
	}
	return text, ""
}

// cutText shortens text to a width and shows that it did.
func cutText(text string, width int) string {
	if textWidth(text) <= width {
		return text
	}
	if width <= 1 {
		return ellipsis
	}
	head, _ := splitWidth(text, width-1)
	if textWidth(head) > width-1 { // one wide character alone
		return ellipsis
	}
	return strings.TrimRight(head, " ") + ellipsis
}

// wrapText breaks text into lines at spaces, and within a word only when the word is
// wider than a line. Spaces at the beginning stay: they mean something in a manifest.
func wrapText(text string, width int) []string {
	width = max(width, 2) // the widest character
	var lines []string
	line, used := "", 0
	text = strings.TrimRight(text, " ")
	for text != "" {
		var spaces, word string
		spaces, word, text = nextWord(text)

		if needed := len(spaces) + textWidth(word); used+needed <= width {
			line, used = line+spaces+word, used+needed
			continue
		}
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
		for textWidth(word) > width {
			var head string
			head, word = splitWidth(word, width)
			lines = append(lines, head)
		}
		line, used = word, textWidth(word)
	}
	return append(lines, line)
}

// nextWord cuts the spaces at the beginning of a text off, and the word after them.
func nextWord(text string) (spaces, word, rest string) {
	rest = strings.TrimLeft(text, " ")
	spaces = text[:len(text)-len(rest)]
	word, _, _ = strings.Cut(rest, " ")
	return spaces, word, rest[len(word):]
}

// shownText is text as one line of a terminal shows it, so that its width is known: the
// line breaks of other programs are spaces, and what the terminal would obey is escaped
// (see terminalWriter, which leaves the result as it is). Spaces at the end are left out.
func shownText(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return strings.TrimRight(text, " ")
	}
	var shown strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch r {
		case '\n', '\r':
			shown.WriteByte(' ')
		case '\t':
			shown.WriteString("    ")
		default:
			shown.WriteString(visible(r, []byte(text[:n])))
		}
		text = text[n:]
	}
	return strings.TrimRight(shown.String(), " ")
}
