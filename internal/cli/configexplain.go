package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/settings"
)

// explainedSetting is what `config explain --json` says of a setting (docs/json.md).
type explainedSetting struct {
	settings.FieldInfo
	Flag        string `json:"flag,omitempty"`
	Environment string `json:"environment,omitempty"`
}

func newConfigExplain(e *env) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "explain [PATH]",
		Short: "Say what can be set in the configuration of appbur run",
		Long: `Say what can be set in the file that appbur run --config reads: what each setting takes, what
holds without it, what it is for, and whether a change takes effect at once or after a
restart. PATH is a section such as watch, or a setting such as watch.quiet.` +
			exitStatus("0  explained", "64 there is no such setting"),
		Example: `  appbur config explain
  appbur config explain watch.quiet`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return configExplainRun(e, strings.Join(args, ""), asJSON)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return settingPaths(), cobra.ShellCompDirectiveNoFileComp
		},
	}

	jsonFlag(command, &asJSON)
	headersFlag(e, command)
	return command
}

// settingPaths are all paths, each with a word on it for shells that show that.
func settingPaths() []string {
	var paths []string
	for _, f := range configuration.Table.Fields() {
		paths = append(paths, f.Path+"\t"+f.Text)
	}
	return paths
}

func configExplainRun(e *env, path string, asJSON bool) error {
	path = strings.Trim(path, ".")
	chosen := explained(path)
	if len(chosen) == 0 {
		hint := "run `appbur config explain` for all"
		if near := settings.Nearest(path, configuration.Table.Fields()); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
		return &usageError{appbur.WithHint(fmt.Errorf("there is no setting %s", path), hint)}
	}

	switch {
	case asJSON:
		return e.printJSON(chosen)
	case len(chosen) == 1:
		e.printSetting(chosen[0])
	default:
		if path != "" {
			fmt.Fprintf(e.paragraphs(0), "%s\n\n", chosen[0].Text)
			chosen = chosen[1:]
		}
		e.printSettings(chosen)
	}
	return nil
}

// explained are the setting that a path names and those below it, all of them for "".
func explained(path string) []explainedSetting {
	var chosen []explainedSetting
	for _, f := range configuration.Table.Fields() {
		if path != "" && f.Path != path && !strings.HasPrefix(f.Path, path+".") {
			continue
		}
		s := explainedSetting{FieldInfo: f}
		if flag, has := flagOf(f.Path); has {
			s.Flag, s.Environment = "--"+flag.flag, flag.env
		}
		chosen = append(chosen, s)
	}
	return chosen
}

func (e *env) printSettings(list []explainedSetting) {
	rows := e.newTable(settingColumns...)
	for _, s := range list {
		rows.add(plain(s.Path), plain(typeText(s)), plain(s.Default), plain(string(s.Effect)), plain(s.Text))
	}
	rows.print(e.Out)
}

func (e *env) printSetting(s explainedSetting) {
	without := s.Default
	if s.Without != "" {
		without = s.Without
	}
	if s.Required {
		without = "it has to be there"
	}
	for _, field := range [][2]string{
		{"setting", s.Path},
		{"takes", typeText(s)},
		{"without it", without},
		{"example", s.Example},
		{"takes effect", string(s.Effect)},
		{"flag", strings.TrimSpace(s.Flag)},
		{"environment", s.Environment},
		{"since", s.Since},
		{"what it does", s.Text},
	} {
		if field[1] != "" {
			fmt.Fprintf(e.paragraphs(fieldIndent), "%-*s%s\n", fieldIndent, field[0], oneLine(field[1]))
		}
	}
}

// typeText is what a setting takes: its words where they are few.
func typeText(s explainedSetting) string { return cmp.Or(strings.Join(s.Values, " or "), s.Type) }
