package restorereport

import (
	"fmt"
	"io"
	"strings"

	"github.com/appbur/appbur/internal/markdown"
)

// Markdown writes the report as Markdown with tables.
func Markdown(w io.Writer, r Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Restore of %s: %s\n\n", markdown.Text(r.Point), markdown.Text(r.Outcome()))
	b.WriteString("| | |\n|---|---|\n")
	for _, fact := range r.Facts() {
		fmt.Fprintf(&b, "| %s | %s |\n", fact[0], markdown.Text(fact[1]))
	}

	b.WriteString("\n## Time\n\n| phase | took |\n|---|---:|\n")
	for _, phase := range r.Phases {
		fmt.Fprintf(&b, "| %s | %s |\n", markdown.Text(phase.Name), phase.Lasted())
	}
	b.WriteString("\n## Objects\n\n| result | objects |\n|---|---:|\n")
	for _, count := range r.Counts {
		fmt.Fprintf(&b, "| %s | %d |\n", markdown.Text(count.What), count.N)
	}

	for _, section := range r.sections() {
		fmt.Fprintf(&b, "\n## %s (%d)\n\n| | |\n|---|---|\n", markdown.Text(section.Title), len(section.Rows))
		for _, row := range section.Rows {
			what := make([]string, 0, len(row.What))
			for _, text := range row.What {
				what = append(what, markdown.Text(text))
			}
			fmt.Fprintf(&b, "| %s | %s |\n", markdown.Text(row.Object), strings.Join(what, "<br>"))
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
