package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// pluginFile is what kubectl looks for in the PATH when it is told `kubectl appbur`.
const pluginFile = "kubectl-appbur"

// programName is what a user typed to start this program, read from its first argument. As a plugin that is two words.
func programName(arg0 string) string {
	// Either separator: paths of both kinds are the same here, and no name has one.
	file := arg0[strings.LastIndexAny(arg0, `/\`)+1:]
	if strings.TrimSuffix(file, filepath.Ext(file)) == pluginFile {
		return "kubectl appbur"
	}
	return "appbur"
}

// calledAs has usage lines and examples begin with the words that the user typed, so that they can be copied.
func calledAs(command *cobra.Command, program string) {
	if !command.HasParent() {
		command.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: program}
	}

	lines := strings.Split(command.Example, "\n")
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		if rest, ok := strings.CutPrefix(text, "appbur "); ok {
			lines[i] = strings.Repeat(" ", len(line)-len(text)) + program + " " + rest
		}
	}
	command.Example = strings.Join(lines, "\n")

	for _, child := range command.Commands() {
		calledAs(child, program)
	}
}
