package drillreport

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/appbur/appbur/internal/markdown"
)

// Writer writes a report in one form.
type Writer func(w io.Writer, r Report) error

// forms are those that there are, by the end of the name of a file.
var forms = map[string]Writer{".json": JSON, ".md": Markdown, ".html": HTML}

// For returns the form that a file is to have by its name.
func For(name string) (write Writer, ok bool) {
	for end, form := range forms {
		if strings.HasSuffix(strings.ToLower(name), end) {
			return form, true
		}
	}
	return nil, false
}

// JSON writes the document.
func JSON(w io.Writer, r Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// Markdown writes a report as a page of Markdown.
func Markdown(w io.Writer, r Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Drill of %s: %s\n\n| | |\n|---|---|\n", markdown.Text(string(r.Point.ID)), markdown.Text(string(r.Outcome)))
	for _, fact := range r.facts() {
		fmt.Fprintf(&b, "| %s | %s |\n", fact[0], markdown.Text(fact[1]))
	}

	b.WriteString("\n## Time\n\n| phase | took | part of a recovery |\n|---|---:|---|\n")
	for _, phase := range r.Phases {
		recovery := map[bool]string{true: "yes", false: "no"}[phase.Recovery]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", markdown.Text(phase.Name), seconds(phase.Seconds), recovery)
	}
	b.WriteString("\n## Objects\n\n| result | objects |\n|---|---:|\n")
	for _, count := range r.counts() {
		fmt.Fprintf(&b, "| %s | %d |\n", count.What, count.N)
	}

	for _, section := range r.sections() {
		fmt.Fprintf(&b, "\n## %s (%d)\n\n| | |\n|---|---|\n", markdown.Text(section.Title), section.Total)
		for _, row := range section.Objects {
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

// HTML writes a report as one page that needs nothing else, on a screen and on paper.
func HTML(w io.Writer, r Report) error {
	return page.Execute(w, map[string]any{
		"Report": r, "Facts": r.facts(), "Counts": r.counts(), "Sections": r.sections(), "Failed": r.Outcome == Failed,
	})
}

var page = template.Must(template.New("drill").Funcs(template.FuncMap{"seconds": seconds}).Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Drill of {{.Report.Point.ID}}: {{.Report.Outcome}}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }
th { font-weight: 600; width: 14em }
.failed { color: #a00 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616 } th, td { border-color: #444 } .failed { color: #f77 } }
@media print {
  body { color: #000; background: #fff; margin: 0; max-width: none; font-size: 11px }
  tr, h2 { break-inside: avoid } h2 { break-after: avoid }
}
</style>
</head>
<body>
<h1>Drill of {{.Report.Point.ID}}: <span{{if .Failed}} class="failed"{{end}}>{{.Report.Outcome}}</span></h1>
<table>{{range .Facts}}
<tr><th>{{index . 0}}</th><td>{{index . 1}}</td></tr>{{end}}
</table>
<h2>Time</h2>
<table>{{range .Report.Phases}}
<tr><th>{{.Name}}</th><td>{{seconds .Seconds}}</td><td>{{if .Recovery}}part of a recovery{{end}}</td></tr>{{end}}
</table>
<h2>Objects</h2>
<table>{{range .Counts}}
<tr><th>{{.What}}</th><td>{{.N}}</td></tr>{{end}}
</table>
{{range .Sections}}<h2>{{.Title}} ({{.Total}})</h2>
<table>{{range .Objects}}
<tr><th>{{.Object}}</th><td>{{range $i, $what := .What}}{{if $i}}<br>{{end}}{{$what}}{{end}}</td></tr>{{end}}
</table>
{{end}}</body>
</html>
`))
