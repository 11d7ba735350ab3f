package managementcluster

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// Edit is one change that a person makes.
type Edit struct {
	// Command is how the person would have typed it. It names no secret value.
	Command string
	// Path is the object that changes: kind, namespace and name.
	Path string

	gv           schema.GroupVersion
	resource     string
	namespace    string
	name         string
	subresources []string
	manager      string // as kubectl names itself for this command
	patch        map[string]any
}

// Edits are the changes that [Change] makes, in this order.
func Edits() []Edit {
	return []Edit{
		{
			Command: "kubectl -n team-payments scale deployment settlement --replicas=2",
			Path:    "Deployment team-payments/settlement",
			gv:      appsV1, resource: "deployments", namespace: "team-payments", name: "settlement",
			subresources: []string{"scale"},
			manager:      "kubectl",
			patch:        map[string]any{"spec": map[string]any{"replicas": 2}},
		},
		{
			Command: "kubectl label namespace team-search northwind.example/tier=gold",
			Path:    "Namespace team-search",
			gv:      coreV1, resource: "namespaces", name: "team-search",
			manager: "kubectl-label",
			patch:   map[string]any{"metadata": map[string]any{"labels": map[string]any{"northwind.example/tier": "gold"}}},
		},
		{
			Command: "kubectl -n argocd edit secret repo-platform-config   # a new password",
			Path:    "Secret argocd/repo-platform-config",
			gv:      coreV1, resource: "secrets", namespace: "argocd", name: "repo-platform-config",
			manager: "kubectl-edit",
			patch:   map[string]any{"stringData": map[string]any{"password": rotatedPassword}},
		},
	}
}

// Change makes three changes that people make, each under the field manager
// that kubectl would use, and returns when the controllers have seen them.
func Change(ctx context.Context, cfg *rest.Config) error {
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	for _, e := range Edits() {
		text, err := json.Marshal(e.patch)
		if err != nil {
			return fmt.Errorf("change %s: %w", e.Path, err)
		}
		in := c.at(e.gv, e.resource, e.namespace)
		options := metav1.PatchOptions{FieldManager: e.manager}
		if _, err := in.Patch(ctx, e.name, types.MergePatchType, text, options, e.subresources...); err != nil {
			return fmt.Errorf("change %s: %w", e.Path, err)
		}
	}
	return c.settle(ctx)
}
