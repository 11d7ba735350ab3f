package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/appbur/appbur/internal/nearword"
)

// closest is the word that somebody probably meant, "" if none is near.
func closest(typed string, words []string) string { return nearword.Of(typed, words) }

// commandHint is the next step after a command that does not exist.
func commandHint(parent *cobra.Command, typed string) string {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() {
			names = append(append(names, c.Name()), c.Aliases...)
		}
	}
	path := parent.CommandPath()
	if near := closest(typed, names); near != "" {
		return "did you mean `" + path + " " + near + "`?"
	}
	if parent.HasParent() {
		return "run `" + path + " --help` for the list"
	}
	return "run `" + path + " help` for the list"
}

// flagErrorHint is the next step after a flag that is wrong.
func flagErrorHint(cmd *cobra.Command, err error) string {
	help := "run `" + cmd.CommandPath() + " --help`"
	if written := flagValueHint(err); written != "" {
		return written + "; " + help + " for more"
	}
	typed, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return help
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := closest(typed, names); near != "" {
		return "did you mean --" + near + "? " + help + " for all"
	}
	return help
}
