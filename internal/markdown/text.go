package markdown

import (
	"fmt"
	"strings"
	"unicode"
)

// special are the characters that mean something within a line, or a cell of a table.
const special = "\\`*_{}[]#!|~$^"

// noMention keeps a forge from taking what follows for a name: it looks for mentions after it has rendered the text, where an
// escape is gone, and in one run of text at a time, which the comment ends.
const noMention = "@<!-- -->"

// breakLinks keeps a viewer from making links of addresses in the text.
var breakLinks = strings.NewReplacer("://", "\\://", "www.", "www\\.")

// Text is a text that Markdown shows as it is, in one line.
func Text(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			fmt.Fprintf(&b, "\\\\u%04x", r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString(noMention)
		case strings.ContainsRune(special, r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return breakLinks.Replace(b.String())
}
