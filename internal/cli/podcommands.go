package cli

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/programs"
	"github.com/appbur/appbur/pkg/restore"
)

// commandOptions say in which namespaces ConfigMaps may declare the commands of applications. They are named one by
// one: who writes such a ConfigMap has commands run in the pods beside it.
type commandOptions struct{ commands []string }

func (o *commandOptions) addFlags(command *cobra.Command) {
	command.Flags().StringArrayVar(&o.commands, "find-app-commands", nil,
		"`NAMESPACES` whose ConfigMaps with the label appbur.io/app may declare applications as commands in their pods; "+
			"in a comma-separated list, or repeatable (docs/programs.md)")
}

func (o *commandOptions) finder(config *rest.Config, namespace func(string) string) programs.Finder {
	opener := programs.Opener{Config: func() (*rest.Config, error) { return config, nil }, Namespace: namespace}
	return programs.Finder{Opener: opener, Namespaces: listed(o.commands)}
}

// declared adds the applications that ConfigMaps declare to those that were named, which win.
func (o *commandOptions) declared(
	ctx context.Context, config *rest.Config, named []apps.Target, tell func(services.Looked),
) ([]apps.Target, error) {
	if len(o.commands) == 0 {
		return named, nil
	}
	all, err := o.finder(config, nil).All(ctx)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(named)
	for _, app := range all {
		switch {
		case slices.ContainsFunc(named, func(t apps.Target) bool { return t.AppKey == app.AppKey }):
		case app.Err != nil:
			tell(services.Looked{Found: services.Found{Target: app.Target}, Err: app.Err})
		default:
			targets = append(targets, app.Target)
		}
	}
	return targets, nil
}

// programs opens applications that are commands in pods. With rewrites, their pods are where those put them.
func (e *env) programs(config func() (*rest.Config, error), rewrites *rewriteOptions) apps.Programs {
	opener := programs.Opener{Config: config, Random: e.rand}
	if rewrites != nil {
		opener.Namespace = func(saved string) string { return rewrites.changes.Namespaces.New(saved) }
	}
	return opener
}

// commandRights are what the commands of saved applications need in the target: those of which a target says that they are
// commands, and those that a ConfigMap of a named namespace may declare and nothing else leads to.
func (o *commandOptions) commandRights(saved []appbur.AppState, targets []apps.Target, rewrites rewriteOptions) []restore.Right {
	var rights []restore.Right
	need := func(namespace, resource string, verbs ...string) {
		for _, verb := range verbs {
			right := restore.Right{Verb: verb, Resource: resource, Namespace: namespace, Objects: 1}
			if !slices.Contains(rights, right) {
				rights = append(rights, right)
			}
		}
	}
	for _, app := range saved {
		namespace := rewrites.changes.Namespaces.New(app.Namespace)
		at := slices.IndexFunc(targets, func(t apps.Target) bool { return t.AppKey == app.AppKey && t.Address != "" })
		commands := slices.Contains(listed(o.commands), namespace)
		if at >= 0 {
			_, commands = programs.File(targets[at].Address)
		} else if commands {
			need(namespace, "configmaps", "get", "list")
		}
		if commands {
			need(namespace, "pods", "get", "list")
			need(namespace, "pods/exec", "create")
		}
	}
	return rights
}

// checkCommands reads the file of an application that is commands, so that what is wrong with it is told before
// anything long begins.
func checkCommands(address string) error {
	file, ok := programs.File(address)
	if !ok {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return appbur.WithHint(err, "commands:FILE names the file that declares the commands of an application (docs/programs.md)")
	}
	if _, err := programs.Parse(data); err != nil {
		return &usageError{fmt.Errorf("%s: %w", file, err)}
	}
	return nil
}
