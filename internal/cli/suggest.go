package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// closest is the word that somebody probably meant, "" if none is near: at most two
// letters are other, too many, missing or swapped, and at most a third of the word.
func closest(typed string, words []string) string {
	best, least := "", min(2, (len(typed)+1)/3)+1
	for _, word := range words {
		if d := editDistance(strings.ToLower(typed), strings.ToLower(word)); d < least {
			best, least = word, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours (the
// optimal string alignment distance).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}

	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

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
