package findings

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The elements of JUnit XML that Jenkins, GitLab and GitHub's readers have in common.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string         `xml:"name,attr"`
		Classname string         `xml:"classname,attr"`
		File      string         `xml:"file,attr,omitempty"`
		Line      int            `xml:"line,attr,omitempty"`
		Skipped   *junitSkipped  `xml:"skipped"`
		Failure   []junitFailure `xml:"failure"`
		Output    string         `xml:"system-out,omitempty"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes JUnit XML: a case for each subject that was checked. An error is a failure, a known error is skipped, and
// what is no error is the output of its case.
func JUnit(w io.Writer, r Report) error {
	suite := junitSuite{Name: r.Title}
	bySubject := map[Subject][]Finding{}
	subjects := r.subjects(bySubject)

	for _, s := range subjects {
		c := junitCase{Name: s.Name, Classname: r.Tool.Name, File: s.File, Line: s.Line}
		var output []string
		for _, f := range bySubject[s] {
			switch {
			case f.Level == Error && !f.Known:
				c.Failure = append(c.Failure, junitFailure{Message: f.Message, Type: f.Rule, Text: f.whole()})
			case f.Level == Error:
				c.Skipped = &junitSkipped{"known: " + f.Message}
			default:
				output = append(output, string(f.Level)+": "+f.text())
			}
		}
		if len(c.Failure) > 0 {
			c.Skipped = nil
			suite.Failures++
		} else if c.Skipped != nil {
			suite.Skipped++
		}
		c.Output = strings.Join(output, "\n")
		suite.Cases = append(suite.Cases, c)
	}

	suite.Tests = len(suite.Cases)
	return writeXML(w, junitSuites{Name: r.Tool.Name, Tests: suite.Tests, Failures: suite.Failures, Suites: []junitSuite{suite}})
}

// subjects lists what was checked and what has findings, each once, and sorts the findings to them.
func (r Report) subjects(bySubject map[Subject][]Finding) []Subject {
	subjects := make([]Subject, 0, len(r.Checked))
	add := func(s Subject) {
		if _, ok := bySubject[s]; !ok {
			bySubject[s] = nil
			subjects = append(subjects, s)
		}
	}
	for _, s := range r.Checked {
		add(s)
	}
	for _, f := range r.Findings {
		s := Subject{f.Subject, f.File, f.Line}
		add(s)
		bySubject[s] = append(bySubject[s], f)
	}
	return subjects
}

// whole is all that is known of a finding, in lines.
func (f Finding) whole() string {
	lines := []string{f.text()}
	if f.File != "" {
		lines = append(lines, fmt.Sprintf("%s:%d", f.File, max(f.Line, 1)))
	}
	if f.Source != "" {
		lines = append(lines, "source: "+f.Source)
	}
	return strings.Join(lines, "\n")
}

func writeXML(w io.Writer, value any) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
