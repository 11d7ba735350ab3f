package findings

import (
	"fmt"
	"io"
	"strings"
)

// GitHub writes workflow commands, which GitHub Actions shows as annotations at their lines
// (https://docs.github.com/actions/reference/workflow-commands-for-github-actions). Known findings are left out, because
// only the first ten of a level are shown for a step.
func GitHub(w io.Writer, r Report) error {
	for _, f := range r.Findings {
		if f.Known {
			continue
		}
		if _, err := fmt.Fprintln(w, f.command()); err != nil {
			return fmt.Errorf("writing findings: %w", err)
		}
	}
	return nil
}

// The names of levels in workflow commands.
var githubCommands = map[Level]string{Error: "error", Warning: "warning", Note: "notice"}

// The escapes of the runner (actions/toolkit, packages/core/src/command.ts).
var (
	commandData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func (f Finding) command() string {
	var properties []string
	add := func(name, value string) { properties = append(properties, name+"="+commandProperty.Replace(value)) }
	if f.File != "" {
		add("file", cleanPath(f.File))
		add("line", fmt.Sprint(max(f.Line, 1)))
	}
	add("title", f.Rule)
	return fmt.Sprintf("::%s %s::%s", githubCommands[f.Level], strings.Join(properties, ","), commandData.Replace(f.Subject+": "+f.text()))
}
