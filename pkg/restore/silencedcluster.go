package restore

import (
	"context"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
)

// SilencedCluster is a cluster in which configurations of webhooks that a restore has silenced look as they
// were before, because that is what they will be. What is written to one gives it back first. Those that a
// restore makes are silent from the first moment, in the request that creates them.
type SilencedCluster struct {
	Cluster

	silencer Silencer
	// coming are the webhooks that are silent when their configuration is made.
	coming map[appbur.ObjectID][]string

	mu   sync.Mutex
	made map[appbur.ObjectID][]string
}

var _ resourceNamer = (*SilencedCluster)(nil)

// BeforeSilence returns the cluster behind c, in which configurations that are coming are created silenced.
func BeforeSilence(c Cluster, s Silencer, coming ...Silenced) *SilencedCluster {
	b := &SilencedCluster{Cluster: c, silencer: s, coming: make(map[appbur.ObjectID][]string), made: make(map[appbur.ObjectID][]string)}
	for _, one := range coming {
		b.coming[one.Configuration] = one.Webhooks
	}
	return b
}

// Made returns what was created silenced and is silent. An answer that was lost leaves open what was, so
// the target is asked.
func (b *SilencedCluster) Made(ctx context.Context) []Silenced {
	b.mu.Lock()
	made := maps.Clone(b.made)
	b.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unsilenceTime) // also when the restore was stopped
	defer cancel()
	var silent []Silenced
	for _, id := range slices.SortedFunc(maps.Keys(made), appbur.ObjectID.Compare) {
		live, err := Patient(b.Cluster).Get(ctx, id, ConfigurationVersion)
		if names, _ := silencedIn(live); names != nil || err != nil && !apierrors.IsNotFound(err) {
			silent = append(silent, Silenced{Configuration: id, Webhooks: made[id]})
		}
	}
	return silent
}

// resourceName implements [resourceNamer].
func (b *SilencedCluster) resourceName(ctx context.Context, apiVersion, kind string) (string, error) {
	if names, ok := b.Cluster.(resourceNamer); ok {
		return names.resourceName(ctx, apiVersion, kind)
	}
	return "", ErrNotServed
}

// Get implements [Cluster].
func (b *SilencedCluster) Get(ctx context.Context, id appbur.ObjectID, apiVersion string) (map[string]any, error) {
	live, err := b.Cluster.Get(ctx, id, apiVersion)
	if err == nil && isWebhooks(id.GroupKind()) {
		live = unsilenced(live)
	}
	return live, err
}

// Page implements [Cluster].
func (b *SilencedCluster) Page(
	ctx context.Context, apiVersion, kind, namespace, token string, visit func(map[string]any),
) (string, error) {
	if !isWebhooks(appbur.GroupKind{Group: groupOf(apiVersion), Kind: kind}) {
		return b.Cluster.Page(ctx, apiVersion, kind, namespace, token, visit)
	}
	return b.Cluster.Page(ctx, apiVersion, kind, namespace, token, func(live map[string]any) { visit(unsilenced(live)) })
}

// Apply implements [Cluster].
func (b *SilencedCluster) Apply(ctx context.Context, r Request) (Applied, error) {
	if !isWebhooks(r.Object.GroupKind()) || r.DryRun {
		return b.Cluster.Apply(ctx, r)
	}
	isNew, err := b.isNew(ctx, r)
	if err != nil {
		return Applied{}, err
	}
	switch {
	case isNew && r.By == ByMerge: // of who manages it
		return b.Cluster.Apply(ctx, r)
	case isNew:
		return b.create(ctx, r)
	case r.By != ByCreate:
		if err := b.silencer.restoreOne(ctx, r.Object); err != nil {
			return Applied{}, err
		}
	}
	return b.Cluster.Apply(ctx, r)
}

// isNew reports whether a request makes a configuration that is coming, or is about one that was made so.
func (b *SilencedCluster) isNew(ctx context.Context, r Request) (bool, error) {
	if len(b.coming[r.Object]) == 0 || r.By == ByCreate {
		return len(b.coming[r.Object]) > 0, nil
	}
	live, err := b.Cluster.Get(ctx, r.Object, ConfigurationVersion)
	if apierrors.IsNotFound(err) {
		return true, nil // a target to which everything is applied
	}
	if err != nil {
		return false, err
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	names, _ := silencedIn(live)
	return names != nil && b.made[r.Object] != nil, nil
}

// create makes a configuration whose webhooks let pass what nobody answers for.
func (b *SilencedCluster) create(ctx context.Context, r Request) (Applied, error) {
	content, silenced, err := silence(r.Content, b.coming[r.Object])
	if err != nil {
		return Applied{}, err
	}
	b.mu.Lock()
	b.made[r.Object] = silenced // before it is sent: the answer may be lost
	b.mu.Unlock()

	r.Content = content
	answer, err := b.Cluster.Apply(ctx, r)
	if answer.Object != nil {
		answer.Object = unsilenced(answer.Object)
	}
	return answer, err
}
