package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
)

// labelOptions say whether the applications of a backup are found in the cluster.
type labelOptions struct {
	find bool
	commandOptions
}

func (o *labelOptions) addFlags(command *cobra.Command) {
	command.Flags().BoolVar(&o.find, "find-apps", false,
		"save also the applications that Services with the label appbur.io/app lead to (docs/apps.md)")
	o.commandOptions.addFlags(command)
}

// add finds the labelled applications of the cluster and adds them to those that were named, which
// win. One that cannot be called is told, and left out: a point that should hold it is partial.
func (o *labelOptions) add(ctx context.Context, config *rest.Config, named []apps.Target, tell func(services.Looked)) (
	[]apps.Target, error,
) {
	targets, err := o.declared(ctx, config, named, tell)
	if !o.find || err != nil {
		return targets, err
	}
	cluster, err := services.NewCluster(config)
	if err != nil {
		return nil, err
	}
	all, err := services.Finder{Cluster: cluster}.All(ctx)
	if err != nil {
		return nil, appbur.WithHint(err, "the account needs the rights to list services and endpointslices in all namespaces")
	}

	known := slices.Clone(targets)
	for _, app := range all {
		switch {
		case slices.ContainsFunc(known, func(t apps.Target) bool { return t.AppKey == app.AppKey }):
		case app.Err != nil:
			tell(app)
		default:
			targets = append(targets, app.Target)
		}
	}
	return targets, nil
}
