package findings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// BaselineFormat is the version of the file.
const BaselineFormat = 1

// Baseline is what a team accepted when it began to check: findings that do not make a check fail.
type Baseline struct {
	Format int `json:"format"`
	// Tool is the name of the check that wrote it.
	Tool     string     `json:"tool"`
	Findings []Accepted `json:"findings"`
}

// Accepted is a finding of a baseline. All but the fingerprint is there for people.
type Accepted struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	Subject     string `json:"subject"`
	Detail      string `json:"detail,omitempty"`
}

// Baseline returns the findings of the report as what is accepted from now on.
func (r Report) Baseline() Baseline {
	b := Baseline{Format: BaselineFormat, Tool: r.Tool.Name, Findings: []Accepted{}}
	for _, f := range r.Findings {
		b.Findings = append(b.Findings, Accepted{f.Fingerprint, f.Rule, f.Subject, f.Detail})
	}
	slices.SortFunc(b.Findings, func(a, b Accepted) int {
		return slices.Compare([]string{a.Subject, a.Rule, a.Detail, a.Fingerprint}, []string{b.Subject, b.Rule, b.Detail, b.Fingerprint})
	})
	return b
}

// Apply marks the findings that the baseline knows, and lists what it has and the report has not.
func (r *Report) Apply(b Baseline) {
	known := make(map[string]bool, len(b.Findings))
	for _, a := range b.Findings {
		known[a.Fingerprint] = true
	}
	found := make(map[string]bool, len(r.Findings))
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Known = known[f.Fingerprint]
		found[f.Fingerprint] = true
	}

	r.Gone = nil
	for _, a := range b.Findings {
		if !found[a.Fingerprint] {
			r.Gone = append(r.Gone, a)
		}
	}
}

// Encode writes the file: one finding in a line, in a stable order, so that a diff shows what was accepted.
func (b Baseline) Encode() ([]byte, error) {
	var out bytes.Buffer
	name, err := json.Marshal(b.Tool)
	if err != nil {
		return nil, fmt.Errorf("writing a baseline: %w", err)
	}
	fmt.Fprintf(&out, "{\"format\": %d, \"tool\": %s, \"findings\": [", b.Format, name)
	for i, a := range b.Findings {
		line, err := json.Marshal(a)
		if err != nil {
			return nil, fmt.Errorf("writing a baseline: %w", err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n")
		out.Write(line)
	}
	out.WriteString("\n]}\n")
	return out.Bytes(), nil
}

// ParseBaseline reads the file, for the check of the name.
func ParseBaseline(data []byte, tool string) (Baseline, error) {
	const again = "write it again with the findings of now"
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()

	var b Baseline
	if err := decoder.Decode(&b); err != nil {
		return b, appbur.WithHint(fmt.Errorf("reading a baseline: %s", plainJSON(err)), again)
	}
	switch {
	case b.Format != BaselineFormat:
		return b, appbur.WithHint(fmt.Errorf("the baseline has format %d, this release reads format %d", b.Format, BaselineFormat), again)
	case b.Tool != tool:
		return b, appbur.WithHint(fmt.Errorf("the baseline is of `%s`", b.Tool), "keep a baseline for each check")
	case slices.ContainsFunc(b.Findings, func(a Accepted) bool { return a.Fingerprint == "" }):
		return b, appbur.WithHint(errors.New("the baseline has a finding without fingerprint"), again)
	}
	return b, nil
}

// plainJSON is an error of the JSON library without its name.
func plainJSON(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the file ends too early"
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("%s stands where something else is wanted", wrong.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
