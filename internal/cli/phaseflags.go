package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/phases"
	"github.com/appbur/appbur/pkg/selection"
)

// phaseOptions say which parts of a restore come one after the other. plan and restore take the same.
type phaseOptions struct {
	file     string
	declared []phases.Phase
}

func (o *phaseOptions) addFlags(command *cobra.Command) {
	command.Flags().StringVar(&o.file, "phases", "",
		"YAML `FILE` with parts of the restore that come one after the other, each when the one before is ready (docs/restore.md)")
}

// phaseFileHint is where the form of the file is told.
const phaseFileHint = "docs/restore.md has the form of the file"

// read reads what the file says, before any long work.
func (o *phaseOptions) read() error {
	if o.file == "" {
		return nil
	}
	data, err := os.ReadFile(o.file)
	if err != nil {
		return &usageError{appbur.WithHint(fmt.Errorf("--phases: %w", err), "name a YAML file that exists (docs/restore.md has its form)")}
	}
	if o.declared, err = phases.Parse(data); err != nil {
		return &usageError{appbur.WithHint(fmt.Errorf("--phases: %s: %w", o.file, err), phaseFileHint)}
	}
	return nil
}

// put puts the objects of a restore point into phases. Words are compared with all of it, whatever
// part of it is restored.
func (o *phaseOptions) put(e *env, point restore.Point) (restore.Point, error) {
	var meant []restore.DeclaredPhase
	for _, phase := range o.declared {
		selected, err := resolve(e, phase.Words, point)
		if err != nil {
			var word *selection.WordError
			if errors.As(err, &word) {
				err = appbur.WithHint(fmt.Errorf("--phases: phase %s: %w", phase.Name, err), hintOf(err))
			}
			return point, err
		}
		meant = append(meant, phase.With(func(object restore.Object) bool { return selected.Holds(selectable(object.ID, object.Content)) }))
	}
	if len(meant) == 0 {
		return point, nil
	}

	point, err := point.InPhases(meant)
	if errors.Is(err, restore.ErrTwoPhases) {
		return point, o.mistake(err)
	}
	return point, err
}

// mistake is an error of the file that only its objects show.
func (o *phaseOptions) mistake(err error) error {
	return &usageError{appbur.WithHint(fmt.Errorf("--phases: %s: %w", o.file, err), hintOf(err))}
}
