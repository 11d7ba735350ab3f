package managementcluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
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
