package podexec

import (
	_ "embed"
	"path"
	"strings"

	"github.com/appbur/appbur/adapters/exec"
)

var (
	//go:embed scripts/common.sh
	common string
	//go:embed scripts/watch.sh
	watching string
	//go:embed scripts/rest.sh
	resting string
	//go:embed scripts/listen.sh
	listening string
)

// script is the text of one that begins with what all have in common.
func script(text string) string { return plain(common) + plain(text) }

// plain leaves out what is for readers here: every word of a command is in its address.
func plain(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(line, "\t")
		if line != "\n" && !strings.HasPrefix(line, "# ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// quote makes one word of a text for the shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// commandText is what the shell in the container evaluates to become the command.
func commandText(c exec.Call, file string) string {
	argv, env := c.Filled(file)
	var text strings.Builder
	if c.Dir != "" {
		text.WriteString("cd " + quote(c.Dir) + " || exit 126\n")
	}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		text.WriteString("export " + name + "=" + quote(value) + "\n")
	}

	text.WriteString("exec")
	for _, word := range argv {
		text.WriteString(" " + quote(word))
	}
	return text.String()
}

// nameOf is what a command is called in errors.
func nameOf(c exec.Call) string { return path.Base(c.Argv[0]) }
