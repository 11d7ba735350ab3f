package cli

import (
	"testing"

	"github.com/spf13/pflag"

	"github.com/appbur/appbur/internal/configuration"
)

// flagsWithoutSetting are those of run that are about the command itself.
var flagsWithoutSetting = map[string]string{
	"config":       "it names the file",
	"help":         "it prints the help",
	"print-config": "it prints the file",
}

// settingsWithoutFlag are those that only a file can have.
var settingsWithoutFlag = map[string]string{
	"apiVersion":   "it says what the file is",
	"kind":         "it says what the file is",
	"reload.every": "it is about the file",
}

// Every flag of run has a place in the configuration, with the same default, and no setting lacks its flag by oversight.
func TestEveryFlagOfRunHasASetting(t *testing.T) {
	fields := map[string]string{}
	for _, f := range configuration.Table.Fields() {
		fields[f.Path] = f.Default
		if _, in := configuration.ListOf(f.Path); in {
			continue // the flag of the list says it
		}
		_, has := flagOf(f.Path)
		_, none := settingsWithoutFlag[f.Path]
		if f.Effect != "" && has == none {
			t.Errorf("%s: want either a flag of run or a word on why it has none", f.Path)
		}
	}

	byFlag := map[string]runFlag{}
	for _, r := range runFlags {
		byFlag[r.flag] = r
	}
	command := newRun(&env{Streams: &Streams{}, getenv: func(string) string { return "" }})
	command.InitDefaultHelpFlag()
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		r, has := byFlag[flag.Name]
		if _, none := flagsWithoutSetting[flag.Name]; has == none {
			t.Errorf("--%s: want either a place in the configuration or a word on why it has none", flag.Name)
		}
		if !has {
			return
		}

		want := flag.DefValue
		if r.list != nil {
			want = "" // no list is no value
		}
		if r.text != nil {
			want = r.text(want)
		}
		if got, known := fields[r.path]; !known || got != want {
			t.Errorf("%s is %q without the setting, and --%s is %q without the flag", r.path, got, flag.Name, want)
		}
	})
}
