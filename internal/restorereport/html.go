package restorereport

import (
	"html/template"
	"io"
)

// HTML writes the report as one page that loads nothing: its policy forbids that, and scripts.
func HTML(w io.Writer, r Report) error {
	return page.Execute(w, struct {
		Report
		Sections []Section
	}{r, r.sections()})
}

var page = template.Must(template.New("report").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Restore of {{.Point}}: {{.Outcome}}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }
th { font-weight: 600; width: 14em } td.n { text-align: right; width: 8em }
.failed { color: #a00 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #161616 } th, td { border-color: #444 } .failed { color: #f77 } }
</style>
</head>
<body>
<h1>Restore of {{.Point}}: <span{{if .Failure}} class="failed"{{end}}>{{.Outcome}}</span></h1>
<table>{{range .Facts}}
<tr><th>{{index . 0}}</th><td>{{index . 1}}</td></tr>{{end}}
</table>
<h2>Time</h2>
<table>{{range .Phases}}
<tr><th>{{.Name}}</th><td>{{.Lasted}}</td></tr>{{end}}
</table>
<h2>Objects</h2>
<table>{{range .Counts}}
<tr><th>{{.What}}</th><td>{{.N}}</td></tr>{{end}}
</table>
{{range .Sections}}<h2>{{.Title}} ({{len .Rows}})</h2>
<table>{{range .Rows}}
<tr><th>{{.Object}}</th><td>{{range $i, $what := .What}}{{if $i}}<br>{{end}}{{$what}}{{end}}</td></tr>{{end}}
</table>
{{end}}</body>
</html>
`))
