package services

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	typeddiscoveryv1 "k8s.io/client-go/kubernetes/typed/discovery/v1"
	"k8s.io/client-go/rest"
)

// kubeCluster is a [Cluster] behind a real API server.
type kubeCluster struct {
	core   *typedcorev1.CoreV1Client
	slices *typeddiscoveryv1.DiscoveryV1Client
}

// NewCluster returns the cluster behind cfg.
func NewCluster(cfg *rest.Config) (Cluster, error) {
	core, err := typedcorev1.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	slices, err := typeddiscoveryv1.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return kubeCluster{core, slices}, nil
}

// Services implements [Cluster].
func (c kubeCluster) Services(ctx context.Context, namespace, selector string) ([]corev1.Service, error) {
	list, err := c.core.Services(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Slices implements [Cluster].
func (c kubeCluster) Slices(ctx context.Context, namespace, service string) ([]discoveryv1.EndpointSlice, error) {
	list, err := c.slices.EndpointSlices(namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + service})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// ConfigMap implements [Cluster].
func (c kubeCluster) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	return c.core.ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
}
