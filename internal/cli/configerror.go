package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/settings"
)

// configError is a configuration that cannot be used, with all that is wrong with it.
type configError struct {
	file   string
	faults []settings.Fault
}

// Error implements error.
func (e *configError) Error() string {
	lines := make([]string, 0, len(e.faults))
	for _, f := range e.faults {
		lines = append(lines, faultText(e.file, f))
	}
	return strings.Join(lines, "; ")
}

// faultText says where a fault is, as compilers do, so that editors can jump there.
func faultText(file string, f settings.Fault) string {
	text := f.Problem
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	switch {
	case f.From != "":
		return f.From + ": " + text
	case f.Line > 0 && f.Column > 0:
		return fmt.Sprintf("%s:%d:%d: %s", file, f.Line, f.Column, text)
	case f.Line > 0:
		return fmt.Sprintf("%s:%d: %s", file, f.Line, text)
	case file != "":
		return file + ": " + text
	}
	return text
}

// faultHints are next steps that only the command line knows. The first that matches comes before the hint of the fault.
var faultHints = []struct{ path, problem, hint string }{
	{"repository.path", "an address of a remote stands", "make a copy with `appbur clone URL DIR`, and name the copy"},
	{"apiVersion", " stands where ", "this release reads " + configuration.APIVersion + "; `appbur config explain` says what it knows"},
}

// hintOfFault says what to write instead, or what to do first.
func hintOfFault(f settings.Fault) string {
	for _, h := range faultHints {
		if f.Path == h.path && strings.Contains(f.Problem, h.problem) {
			return h.hint
		}
	}
	return f.Hint
}

// reportConfigError says all that is wrong, each with what to write instead.
func (e *env) reportConfigError(err *configError) {
	for _, f := range err.faults {
		fmt.Fprintf(e.Err, "appbur: %s %s\n", e.paintErr(sgrRed, "error:"), oneLine(faultText(err.file, f)))
		if hint := hintOfFault(f); hint != "" {
			fmt.Fprintf(e.Err, "appbur: %s %s\n", e.paintErr(sgrCyan, "hint:"), oneLine(hint))
		}
	}
}

// mostConfig is more than a configuration has; what is larger is another file.
const mostConfig = 1 << 20

// readConfig reads the text of a configuration; - is standard input.
func (e *env) readConfig(file string) (data []byte, err error) {
	in := e.In
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("the configuration: %w", err), "name a YAML file that exists (docs/configuration.md)")
		}
		defer func() { _ = opened.Close() }() // nothing was written
		in = opened
	}

	data, err = io.ReadAll(io.LimitReader(in, mostConfig+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the configuration: %w", err)
	case len(data) > mostConfig:
		return nil, appbur.WithHint(fmt.Errorf("the configuration %s is larger than 1 MiB", file), "is it another file?")
	case data == nil:
		data = []byte{}
	}
	return data, nil
}
