package serverask

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
)

// Server is an API server that is asked.
type Server struct {
	Version appbur.KubeVersion

	discovery *discovery.DiscoveryClient
	client    rest.Interface

	mu         sync.Mutex
	types      map[schema.GroupVersionKind]resource
	namespaces map[string]bool
}

// resource is how objects of a type are addressed.
type resource struct {
	name       string
	namespaced bool
}

// Connect finds out what the server is and what it serves.
func Connect(ctx context.Context, config *rest.Config) (*Server, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the server limits by itself (priority and fairness)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.WarningHandlerWithContext = rest.NoWarnings{} // they are taken from each answer
	client, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("the server to ask: %w", err)
	}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("the server to ask: %w", err)
	}

	s := &Server{discovery: found, client: client, namespaces: map[string]bool{}}
	info, err := found.ServerVersionWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the server for its version: %w", err)
	}
	if s.Version, err = appbur.ParseKubeVersion(info.GitVersion); err != nil {
		return nil, fmt.Errorf("asking the server for its version: %w", err)
	}
	return s, s.discover(ctx)
}

// discover reads which types there are. Groups that cannot be discovered are those of aggregated servers.
func (s *Server) discover(ctx context.Context) error {
	_, lists, err := s.discovery.ServerGroupsAndResourcesWithContext(ctx)
	var failed *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("reading what the server serves: %w", err)
	}
	types := map[schema.GroupVersionKind]resource{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return fmt.Errorf("reading what the server serves: %w", err)
		}
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") {
				types[gv.WithKind(r.Kind)] = resource{r.Name, r.Namespaced}
			}
		}
	}

	var namespaces metav1.PartialObjectMetadataList
	err = s.client.Get().AbsPath("/api/v1/namespaces").
		SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").Do(ctx).Into(&namespaces)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.types = types
	if err == nil { // who may not list them is asked about the namespace that is written
		for _, n := range namespaces.Items {
			s.namespaces[n.Name] = true
		}
	}
	return nil
}

// Types lists which versions of which kinds are served.
func (s *Server) Types() map[appbur.GroupKind][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	served := map[appbur.GroupKind][]string{}
	for gvk := range maps.Keys(s.types) {
		gk := appbur.GroupKind{Group: gvk.Group, Kind: gvk.Kind}
		served[gk] = append(served[gk], gvk.Version)
	}
	return served
}

// path addresses an object, or the collection that it is created in.
func (r resource) path(gvk schema.GroupVersionKind, namespace, name string) string {
	parts := []string{"/apis", gvk.Group, gvk.Version}
	if gvk.Group == "" {
		parts = []string{"/api", gvk.Version}
	}
	if r.namespaced {
		parts = append(parts, "namespaces", namespace)
	}
	parts = append(parts, r.name)
	if name != "" {
		parts = append(parts, name)
	}
	return strings.Join(parts, "/")
}
