package services

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/appbur/appbur"
)

// Looked is an application that a Service is labelled for, and why it cannot be called if it cannot.
type Looked struct {
	Found
	Err error
}

// All looks for the applications of the whole cluster, by name. The error is that of the API server;
// what is wrong with one application is its own.
func (f Finder) All(ctx context.Context) ([]Looked, error) {
	list, err := f.Cluster.Services(ctx, corev1.NamespaceAll, LabelApp)
	if err != nil {
		return nil, fmt.Errorf("looking for Services with the label %s: %w", LabelApp, err)
	}
	var keys []appbur.AppKey
	for _, s := range list {
		keys = append(keys, appbur.AppKey{Namespace: s.Namespace, Name: s.Labels[LabelApp]})
	}
	slices.SortFunc(keys, appbur.AppKey.Compare)

	var all []Looked
	for _, key := range slices.Compact(keys) {
		found, err := f.Find(ctx, key)
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		found.AppKey = key
		all = append(all, Looked{found, err})
	}
	return all, nil
}
