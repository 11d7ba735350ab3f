package restore

import (
	"context"

	"github.com/appbur/appbur"
)

// BeforeSilence returns a cluster in which configurations of webhooks that a restore has silenced look as
// they were before, because that is what they will be. What is written to one gives it back first.
func BeforeSilence(c Cluster, s Silencer) Cluster { return &beforeSilence{c, s} }

type beforeSilence struct {
	Cluster

	silencer Silencer
}

var _ resourceNamer = (*beforeSilence)(nil)

// resourceName implements [resourceNamer].
func (b *beforeSilence) resourceName(ctx context.Context, apiVersion, kind string) (string, error) {
	if names, ok := b.Cluster.(resourceNamer); ok {
		return names.resourceName(ctx, apiVersion, kind)
	}
	return "", ErrNotServed
}

// Get implements [Cluster].
func (b *beforeSilence) Get(ctx context.Context, id appbur.ObjectID, apiVersion string) (map[string]any, error) {
	live, err := b.Cluster.Get(ctx, id, apiVersion)
	if err == nil && isWebhooks(id.GroupKind()) {
		live = unsilenced(live)
	}
	return live, err
}

// Page implements [Cluster].
func (b *beforeSilence) Page(
	ctx context.Context, apiVersion, kind, namespace, token string, visit func(map[string]any),
) (string, error) {
	if !isWebhooks(appbur.GroupKind{Group: groupOf(apiVersion), Kind: kind}) {
		return b.Cluster.Page(ctx, apiVersion, kind, namespace, token, visit)
	}
	return b.Cluster.Page(ctx, apiVersion, kind, namespace, token, func(live map[string]any) { visit(unsilenced(live)) })
}

// Apply implements [Cluster].
func (b *beforeSilence) Apply(ctx context.Context, r Request) (Applied, error) {
	if isWebhooks(r.Object.GroupKind()) && !r.DryRun && r.By != ByCreate {
		if err := b.silencer.restoreOne(ctx, r.Object); err != nil {
			return Applied{}, err
		}
	}
	return b.Cluster.Apply(ctx, r)
}
