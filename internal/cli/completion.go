package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// completionTimeout bounds how long a shell waits for a cluster.
const completionTimeout = 3 * time.Second

// completions teaches every command below root to complete points, contexts, kinds and
// namespaces. A question that has no answer completes nothing, without an error.
func completions(e *env, command *cobra.Command) {
	for _, child := range command.Commands() {
		completions(e, child)
	}
	flags := command.Flags()
	if strings.Contains(command.Use, " POINT") {
		command.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 && !strings.Contains(cmd.Use, "POINT...") {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return pointNames(flagText(cmd, "repo")), cobra.ShellCompDirectiveNoFileComp
		}
	}
	if strings.Contains(command.Use, " APPLICATION") {
		command.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return appNames(flagText(cmd, "repo")), cobra.ShellCompDirectiveNoFileComp
		}
	}
	if command.Name() == "explain" && command.ValidArgsFunction == nil { // that of a cluster, not that of the configuration
		command.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return kindNames(cmd.Context(), e, clusterOf(cmd)), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
	}
	if flags.Lookup("kubeconfig") == nil {
		return
	}

	complete := func(flag string, names func(*cobra.Command) []string) {
		if flags.Lookup(flag) == nil {
			return
		}
		_ = command.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return names(cmd), cobra.ShellCompDirectiveNoFileComp
		})
	}
	complete("context", func(cmd *cobra.Command) []string { return clusterOf(cmd).contextNames() })
	complete("namespace", func(cmd *cobra.Command) []string { return namespaceNames(cmd.Context(), clusterOf(cmd)) })
}

// flagText is the text of a flag, "" if the command has none of that name.
func flagText(cmd *cobra.Command, name string) string {
	if flag := cmd.Flags().Lookup(name); flag != nil {
		return flag.Value.String()
	}
	return ""
}

func clusterOf(cmd *cobra.Command) *clusterOptions {
	return &clusterOptions{kubeconfig: flagText(cmd, "kubeconfig"), context: flagText(cmd, "context")}
}

func pointNames(dir string) []string {
	repo, err := repository.Open(dir)
	if err != nil {
		return nil
	}
	points, err := repo.Points()
	if err != nil {
		return nil
	}
	names := []string{repository.Latest, repository.LatestPartial}
	for _, p := range points {
		names = append(names, string(p.ID))
	}
	return names
}

func appNames(dir string) []string {
	repo, err := repository.Open(dir)
	if err != nil {
		return nil
	}
	all, err := repo.Catalog(nil) // only words to choose from
	if err != nil {
		return nil
	}
	var names []string
	for _, app := range repository.KnownApps(all.Points, repo.Config().Retired()) {
		if !app.Retired {
			names = append(names, app.String())
		}
	}
	return names
}

func kindNames(ctx context.Context, e *env, o *clusterOptions) []string {
	config, err := o.restConfig()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	source, err := exporter.New(config, manifest.Default(), exporter.Options{Now: e.now})
	if err != nil {
		return nil
	}
	types, _, err := source.Discover(ctx)
	if err != nil {
		return nil
	}

	var names []string
	for _, t := range types {
		name := t.GroupVersionResource.Resource
		if group := t.GroupVersionResource.Group; strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") {
			name += "." + group
		}
		names = append(names, name+"/")
	}

	slices.Sort(names)
	return slices.Compact(names)
}

func namespaceNames(ctx context.Context, o *clusterOptions) []string {
	config, err := o.restConfig()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil
	}

	list, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.GetName())
	}
	return names
}
