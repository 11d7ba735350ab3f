package managementcluster

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const (
	// timeout bounds every wait for the cluster.
	timeout = time.Minute
	// pollInterval is the time between two looks.
	pollInterval = 100 * time.Millisecond
)

// client speaks to a cluster in exactly the API versions that it is told: what
// is written in an old version is sent in it.
type client struct {
	dynamic   dynamic.Interface
	discovery discovery.DiscoveryInterface
	served    map[schema.GroupVersion]resources
}

// resources are the types of one group version, by kind.
type resources map[string]resource

type resource struct {
	name       string
	namespaced bool
	status     bool // there is a status subresource
}

func newClient(cfg *rest.Config) (*client, error) {
	// Every deprecated version would be complained about on standard error.
	quiet := rest.CopyConfig(cfg)
	quiet.WarningHandler = rest.NoWarnings{}
	dynamicClient, err := dynamic.NewForConfig(quiet)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(quiet)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return &client{dynamic: dynamicClient, discovery: discoveryClient, served: map[schema.GroupVersion]resources{}}, nil
}

// resource finds the type of a kind. Types that a CustomResourceDefinition has
// just defined take a moment to be served.
func (c *client) resource(ctx context.Context, gvk schema.GroupVersionKind) (resource, error) {
	if r, ok := c.served[gvk.GroupVersion()][gvk.Kind]; ok {
		return r, nil
	}
	var found resource
	err := await(ctx, fmt.Sprintf("%s to be served", gvk), func(context.Context) error {
		types, err := c.discover(gvk.GroupVersion())
		if err != nil {
			return err
		}
		r, ok := types[gvk.Kind]
		if !ok {
			return fmt.Errorf("%s has no kind %s", gvk.GroupVersion(), gvk.Kind)
		}
		c.served[gvk.GroupVersion()] = types
		found = r
		return nil
	})
	return found, err
}

func (c *client) discover(gv schema.GroupVersion) (resources, error) {
	list, err := c.discovery.ServerResourcesForGroupVersion(gv.String())
	if err != nil {
		return nil, err
	}
	types := resources{}
	withStatus := map[string]bool{}
	for _, r := range list.APIResources {
		if name, sub, ok := cutSubresource(r.Name); ok {
			withStatus[name] = withStatus[name] || sub == "status"
			continue
		}
		types[r.Kind] = resource{name: r.Name, namespaced: r.Namespaced}
	}
	for kind, r := range types {
		r.status = withStatus[r.name]
		types[kind] = r
	}
	return types, nil
}

// of returns the interface for objects of the same type and namespace as obj.
func (c *client) of(ctx context.Context, obj *unstructured.Unstructured) (dynamic.ResourceInterface, resource, error) {
	gvk := obj.GroupVersionKind()
	r, err := c.resource(ctx, gvk)
	if err != nil {
		return nil, resource{}, err
	}
	all := c.dynamic.Resource(gvk.GroupVersion().WithResource(r.name))
	if r.namespaced {
		return all.Namespace(obj.GetNamespace()), r, nil
	}
	return all, r, nil
}

// at returns the interface for a type by its resource, where its kind does not
// matter.
func (c *client) at(gv schema.GroupVersion, resource, namespace string) dynamic.ResourceInterface {
	all := c.dynamic.Resource(gv.WithResource(resource))
	if namespace == "" {
		return all
	}
	return all.Namespace(namespace)
}

// await calls check until it returns nil or timeout ends. The error carries
// what check said last.
func await(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		last := check(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; last answer: %w", what, ctx.Err(), last)
		case <-ticker.C:
		}
	}
}
