package restorereport

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Markdown writes the report as Markdown with tables.
func Markdown(w io.Writer, r Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Restore of %s: %s\n\n", plain(r.Point), plain(r.Outcome()))
	b.WriteString("| | |\n|---|---|\n")
	for _, fact := range r.Facts() {
		fmt.Fprintf(&b, "| %s | %s |\n", fact[0], plain(fact[1]))
	}

	b.WriteString("\n## Time\n\n| phase | took |\n|---|---:|\n")
	for _, phase := range r.Phases {
		fmt.Fprintf(&b, "| %s | %s |\n", plain(phase.Name), phase.Lasted())
	}
	b.WriteString("\n## Objects\n\n| result | objects |\n|---|---:|\n")
	for _, count := range r.Counts {
		fmt.Fprintf(&b, "| %s | %d |\n", plain(count.What), count.N)
	}

	for _, section := range r.sections() {
		fmt.Fprintf(&b, "\n## %s (%d)\n\n| | |\n|---|---|\n", plain(section.Title), len(section.Rows))
		for _, row := range section.Rows {
			what := make([]string, 0, len(row.What))
			for _, text := range row.What {
				what = append(what, plain(text))
			}
			fmt.Fprintf(&b, "| %s | %s |\n", plain(row.Object), strings.Join(what, "<br>"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sections are those that have rows, applications first.
func (r Report) sections() []Section {
	var kept []Section
	for _, section := range append([]Section{{"Applications", r.Apps}}, r.Sections...) {
		if len(section.Rows) > 0 {
			kept = append(kept, section)
		}
	}
	return kept
}

// special are the characters that mean something in Markdown, within a line of a table.
const special = "\\`*_{}[]#!|~@$^"

// breakLinks keeps a viewer from making links of addresses in the text.
var breakLinks = strings.NewReplacer("://", "\\://", "www.", "www\\.")

// plain is a text that Markdown shows as it is: no markup, no link, in one line.
func plain(text string) string {
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
		case strings.ContainsRune(special, r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return breakLinks.Replace(b.String())
}
