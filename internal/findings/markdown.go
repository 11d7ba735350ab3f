package findings

import (
	"fmt"
	"io"
	"strings"

	"github.com/appbur/appbur/internal/markdown"
)

// cell keeps a code span within its cell: GitHub divides a row into cells before it looks for code.
// https://github.github.com/gfm/#tables-extension-
var cell = strings.NewReplacer("|", "\\|")

// markdownRows is how many findings a table has. GitHub refuses a summary of more than 1 MiB.
const markdownRows = 500

// Markdown writes a summary for people, as GITHUB_STEP_SUMMARY and merge requests show it.
func Markdown(w io.Writer, r Report) error {
	var fresh, known []Finding
	for _, f := range r.Findings {
		if f.Known {
			known = append(known, f)
		} else {
			fresh = append(fresh, f)
		}
	}

	var out strings.Builder
	sign := "✅"
	if r.Fails() {
		sign = "❌"
	}
	fmt.Fprintf(&out, "## %s %s\n\n", sign, markdown.Text(r.Title))
	if r.Summary != "" {
		fmt.Fprintf(&out, "%s\n\n", markdown.Text(r.Summary))
	}
	markdownTable(&out, fresh)
	if len(known) > 0 {
		fmt.Fprintf(&out, "<details><summary>%d known by the baseline</summary>\n\n", len(known))
		markdownTable(&out, known)
		out.WriteString("</details>\n\n")
	}
	if len(r.Gone) > 0 {
		fmt.Fprintf(&out, "%d of the baseline are gone: write it again, so that they cannot come back unseen.\n\n", len(r.Gone))
	}

	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}

func markdownTable(out *strings.Builder, list []Finding) {
	if len(list) == 0 {
		return
	}
	out.WriteString("| level | where | what | next step |\n|---|---|---|---|\n")
	for i, f := range list {
		if i == markdownRows {
			fmt.Fprintf(out, "\n… and %d more.\n", len(list)-markdownRows)
			break
		}
		where := cell.Replace(markdown.Code(f.Subject))
		if f.File != "" {
			where += fmt.Sprintf("<br>%s:%d", markdown.Text(f.File), max(f.Line, 1))
		}
		what := f
		what.Hint = ""
		fmt.Fprintf(out, "| %s | %s | %s (%s) | %s |\n", f.Level, where, markdown.Text(what.text()), f.Rule, markdown.Text(f.Hint))
	}
	out.WriteString("\n")
}
