package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// targetOf reads what a cluster serves: only its own discovery is
// authoritative, because a cluster of the right release may still have an API
// switched off. A group that cannot be discovered is an aggregated one, since
// the API server knows its own; what it would serve counts as not served.
func targetOf(ctx context.Context, e *env, config *rest.Config) (compat.Target, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	info, err := client.ServerVersionWithContext(ctx)
	if err != nil {
		return nil, clusterHint(fmt.Errorf("reading the version of the target at %s: %w", server(config), err))
	}
	version, err := appbur.ParseKubeVersion(info.GitVersion)
	if err != nil {
		return nil, fmt.Errorf("the target at %s: %w", server(config), err)
	}
	_, lists, err := client.ServerGroupsAndResourcesWithContext(ctx)

	var failed *discovery.ErrGroupDiscoveryFailed
	switch {
	case errors.As(err, &failed):
		for gv, reason := range failed.Groups {
			e.warn("the target cannot say what %s serves: %v", gv, reason)
		}
	case err != nil:
		return nil, clusterHint(fmt.Errorf("reading what the target at %s serves: %w", server(config), err))
	}

	served := map[appbur.GroupKind][]string{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("the target at %s: discovery: %w", server(config), err)
		}
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") { // subresources are no kinds of their own
				gk := appbur.GroupKind{Group: gv.Group, Kind: r.Kind}
				served[gk] = append(served[gk], gv.Version)
			}
		}
	}

	return compat.NewDiscoveryTarget(version, served), nil
}

// server names the API server without a password that its address may hold.
func server(config *rest.Config) string {
	address, err := url.Parse(config.Host)
	if err != nil {
		return "the address in the kubeconfig"
	}
	return address.Redacted()
}
