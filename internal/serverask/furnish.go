package serverask

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
)

// furniture is what other objects are judged by: the namespace they lie in, the definition of their kind, and what admission
// looks up. The order is that of creation.
var furniture = []appbur.GroupKind{
	{Kind: "Namespace"},
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"},
	{Kind: "ServiceAccount"},
	{Group: "scheduling.k8s.io", Kind: "PriorityClass"},
	{Group: "node.k8s.io", Kind: "RuntimeClass"},
	{Group: "storage.k8s.io", Kind: "StorageClass"},
	{Group: "networking.k8s.io", Kind: "IngressClass"},
}

// settleTime is how long a new definition may take until it is served.
const settleTime = 30 * time.Second

// Furnish creates in a throwaway server what other objects need, and the namespaces that are named. What it refuses is
// refused once more when it is asked about, so that is no error here.
func (s *Server) Furnish(ctx context.Context, contents []map[string]any, namespaces []string) error {
	var made []map[string]any
	for _, name := range namespaces {
		made = append(made, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
	}
	awaited := map[schema.GroupVersionKind]bool{}
	for _, kind := range furniture {
		for _, content := range contents {
			gvk := schema.FromAPIVersionAndKind(text(content, "apiVersion"), text(content, "kind"))
			if gvk.Group == kind.Group && gvk.Kind == kind.Kind {
				made = append(made, content)
			}
		}
	}

	for _, content := range made {
		created, err := s.create(ctx, content)
		if err != nil {
			return err
		}
		if created {
			for _, gvk := range defined(content) {
				awaited[gvk] = true
			}
		}
	}
	return s.settle(ctx, awaited)
}

// create reports whether the object is there now.
func (s *Server) create(ctx context.Context, content map[string]any) (bool, error) {
	gvk := schema.FromAPIVersionAndKind(text(content, "apiVersion"), text(content, "kind"))
	s.mu.Lock()
	r, served := s.types[gvk]
	s.mu.Unlock()
	if !served {
		return false, nil
	}
	content, namespace := s.placed(content, r)
	body, err := json.Marshal(content)
	if err != nil {
		return false, fmt.Errorf("furnishing the server: %w", err)
	}
	err = s.client.Post().AbsPath(r.path(gvk, namespace, "")).Param("fieldManager", fieldManager).Body(body).Do(ctx).Error()
	if ctx.Err() != nil {
		return false, ctx.Err()
	}

	there := err == nil || apierrors.IsAlreadyExists(err)
	if there && gvk.Kind == "Namespace" {
		metadata, _ := content["metadata"].(map[string]any)
		s.mu.Lock()
		s.namespaces[text(metadata, "name")] = true
		s.mu.Unlock()
	}
	return there, nil
}

// defined are the types that a definition has served.
func defined(content map[string]any) (list []schema.GroupVersionKind) {
	if text(content, "kind") != "CustomResourceDefinition" {
		return nil
	}
	spec, _ := content["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	for _, each := range versions {
		version, _ := each.(map[string]any)
		if version["served"] == true {
			list = append(list, schema.GroupVersionKind{Group: text(spec, "group"), Version: text(version, "name"), Kind: text(names, "kind")})
		}
	}
	return list
}

// settle waits until what was defined is served. A definition that never is answers for itself later: its objects have a
// type that the server does not serve.
func (s *Server) settle(ctx context.Context, awaited map[schema.GroupVersionKind]bool) error {
	if len(awaited) == 0 {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		if err := s.discover(ctx); err != nil {
			return err
		}
		missing := slices.ContainsFunc(slices.Collect(maps.Keys(awaited)), func(gvk schema.GroupVersionKind) bool {
			_, served := s.types[gvk]
			return !served
		})
		if !missing {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-waiting.Done():
			return ctx.Err()
		}
	}
}
