package managementcluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/internal/backoff"
)

// Namespaces returns which of the namespaces of the management cluster exist in
// a cluster of whatever version: none before a restore, all afterwards.
func Namespaces(ctx context.Context, cfg *rest.Config) (present, absent []string, err error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, nil, err
	}
	list, err := c.at(coreV1, "namespaces", "").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("look for namespaces: %w", err)
	}

	live := map[string]bool{}
	for _, namespace := range list.Items {
		live[namespace.GetName()] = true
	}
	wanted, err := topic{file: "00-namespaces.yaml"}.objects()
	if err != nil {
		return nil, nil, err
	}

	for _, namespace := range wanted {
		if name := namespace.GetName(); live[name] {
			present = append(present, name)
		} else {
			absent = append(absent, name)
		}
	}

	return present, absent, nil
}

// DeleteNamespace deletes a namespace, and waits until it and all in it are gone. The
// aggregated API of this cluster has no server, and a namespace does not end while an API
// does not say what it holds: the last step is that of an administrator, who says that it
// holds nothing.
func DeleteNamespace(ctx context.Context, cfg *rest.Config, name string) error {
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	namespaces := c.at(coreV1, "namespaces", "")
	if err := namespaces.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete the namespace %s: %w", name, err)
	}

	for {
		live, err := namespaces.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err == nil && isEmptied(live) {
			unstructured.RemoveNestedField(live.Object, "spec", "finalizers")
			if _, err = namespaces.Update(ctx, live, metav1.UpdateOptions{}, "finalize"); apierrors.IsConflict(err) {
				err = nil // the namespace controller wrote in between
			}
		}
		if err != nil {
			return fmt.Errorf("wait for the end of the namespace %s: %w", name, err)
		}
		if err := backoff.Sleep(ctx, pollInterval); err != nil {
			return fmt.Errorf("wait for the end of the namespace %s: %w", name, err)
		}
	}
}

// isEmptied reports whether the namespace controller found nothing left in the namespace.
func isEmptied(namespace *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(namespace.Object, "status", "conditions")
	for _, condition := range conditions {
		fields, _ := condition.(map[string]any)
		if fields["type"] == "NamespaceContentRemaining" {
			return fields["status"] == "False"
		}
	}
	return false
}
