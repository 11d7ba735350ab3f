package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/settings"
)

// checkedConfig is what `config check --json` says of a file (docs/json.md).
type checkedConfig struct {
	File   string           `json:"file"`
	Valid  bool             `json:"valid"`
	Faults []settings.Fault `json:"faults"`
}

func newConfigCheck(e *env) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with a configuration of appbur run, all of it at once",
		Long: `Say what is wrong with files that appbur run --config is to read: all of it at once, each with
its line and with what to write instead. No cluster and no repository is asked. FILE may
be - for standard input.` +
			exitStatus("0  all of them are valid", "64 one of them is not, or cannot be read"),
		Example: `  appbur config check appbur.yaml
  kubectl get configmap appbur -o jsonpath='{.data.appbur\.yaml}' | appbur config check -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return configCheckRun(e, args, asJSON) },
	}
	jsonFlag(command, &asJSON)
	return command
}

func configCheckRun(e *env, files []string, asJSON bool) error {
	checked := make([]checkedConfig, 0, len(files))
	wrong := 0
	for _, file := range files {
		c := e.checkConfig(file)
		if checked = append(checked, c); !c.Valid {
			wrong++
		}
	}

	if asJSON {
		if err := e.printJSON(checked); err != nil {
			return err
		}
	} else {
		e.printChecked(checked)
	}
	if wrong == 0 {
		return nil
	}
	return &usageError{appbur.WithHint(fmt.Errorf("%d of %s cannot be used", wrong, count(len(files), "file")),
		"`appbur config explain` says what can be set")}
}

func (e *env) checkConfig(file string) checkedConfig {
	data, err := e.readConfig(file)
	if err == nil {
		_, err = configuration.Parse(data, nil, nil)
	}

	faults := []settings.Fault{}
	var several *settings.Error
	switch {
	case errors.As(err, &several):
		for _, f := range several.Faults {
			f.Hint = hintOfFault(f)
			faults = append(faults, f)
		}
	case err != nil:
		faults = append(faults, settings.Fault{Problem: err.Error(), Hint: hintOf(err)})
	}
	return checkedConfig{file, err == nil, faults}
}

func (e *env) printChecked(checked []checkedConfig) {
	for _, c := range checked {
		if c.Valid {
			fmt.Fprintf(e.Out, "%s: valid\n", oneLine(c.File))
		}
		for _, f := range c.Faults {
			fmt.Fprintln(e.paragraphs(2), oneLine(faultText(c.File, f)))
			if f.Hint != "" {
				fmt.Fprintln(e.paragraphs(8), "  hint: "+oneLine(f.Hint))
			}
		}
	}
}
