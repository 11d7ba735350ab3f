package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/drillfile"
)

// readDrillFile reads what a drill starts and asks; "" is no file.
func readDrillFile(name string) (drillfile.File, error) {
	if name == "" {
		return drillfile.File{}, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return drillfile.File{}, &usageError{appbur.WithHint(fmt.Errorf("--drill: %w", err),
			"name a YAML file that exists (docs/drill.md has its form)")}
	}
	file, err := drillfile.Parse(data)
	if err != nil {
		return file, &usageError{appbur.WithHint(fmt.Errorf("--drill: %s: %w", name, err), "docs/drill.md has the form of the file")}
	}
	return file, nil
}

// addAppCommands adds applications of which only the command is said.
func addAppCommands(file drillfile.File, commands []string) (drillfile.File, error) {
	for _, text := range commands {
		name, command, ok := strings.Cut(text, "=")
		app, err := drillfile.NewApp(name, strings.Fields(command))
		if err == nil && slices.ContainsFunc(file.Apps, func(a drillfile.App) bool { return a.Name == app.Name }) {
			err = fmt.Errorf("%s is named twice", app.Name)
		}
		if !ok {
			err = errors.New("there is no = in it")
		}
		if err != nil {
			return file, &usageError{appbur.WithHint(fmt.Errorf("--app-command: %q: %w", text, err),
				"for example --app-command 'fleet-system/fleet=fleet-v2 --db {dir}/db --contract {address}'")}
		}
		file.Apps = append(file.Apps, app)
	}
	return file, nil
}
