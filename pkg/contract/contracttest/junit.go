package contracttest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	ClassName string        `xml:"classname,attr"`
	Name      string        `xml:"name,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitMessage `xml:"failure,omitempty"`
	Skipped   *junitMessage `xml:"skipped,omitempty"`
	Output    string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the report as a JUnit test suite, which continuous integration
// reads. The name of a case is its id and its title, its class the level.
func (r Report) WriteJUnit(w io.Writer, suite string) error {
	out := junitSuite{Name: suite, Tests: len(r.Results), Failures: r.Count(Failed), Skipped: r.Count(Skipped)}
	total := 0.0

	for _, result := range r.Results {
		total += result.Duration.Seconds()
		c := junitCase{
			ClassName: string(result.Level), Name: result.ID + " " + result.Title,
			Time: fmt.Sprintf("%.3f", result.Duration.Seconds()), Output: strings.Join(result.Notes, "\n"),
		}
		switch result.Outcome {
		case Failed:
			c.Failure = &junitMessage{result.Err.Error()}
		case Skipped:
			c.Skipped = &junitMessage{string(result.Skip) + ": " + result.Err.Error()}
		case Passed:
		}
		out.Cases = append(out.Cases, c)
	}

	out.Time = fmt.Sprintf("%.3f", total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(out); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
