package findings

import (
	"encoding/json"
	"fmt"
	"io"
)

// Writer writes a report in one form.
type Writer func(w io.Writer, r Report) error

// Writers are all forms by their names on a command line. The table is the command's own, and so may its JSON be.
var Writers = map[string]Writer{
	"json":     JSON,
	"junit":    JUnit,
	"sarif":    SARIF,
	"github":   GitHub,
	"gitlab":   GitLab,
	"markdown": Markdown,
}

// Document is a report as JSON. A command with a document of its own embeds it.
type Document struct {
	Findings []Finding  `json:"findings"`
	Gone     []Accepted `json:"gone,omitempty"`
	Failed   bool       `json:"failed"`
}

// Document returns the report as JSON has it.
func (r Report) Document() Document {
	d := Document{Findings: r.Findings, Gone: r.Gone, Failed: r.Fails()}
	if d.Findings == nil {
		d.Findings = []Finding{}
	}
	return d
}

// JSON writes the findings as one document.
func JSON(w io.Writer, r Report) error { return writeJSON(w, r.Document()) }

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}
