package restore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
)

// DryRun returns a cluster that sends every request as a dry run and has the server write
// nothing. A restore to it takes the same path as a real one: admission, conflicts
// and validation are those of the target. What the server cannot judge, because
// the namespace or the kind would be created by the same restore, is answered as
// created and marked unchecked; and so is what a webhook refuses that the restore would silence.
func DryRun(c Cluster, webhooks ...LiveWebhook) Cluster {
	d := &dryCluster{
		Cluster: c, created: make(map[appbur.ObjectID]bool), deleted: make(map[appbur.ObjectID]bool), kinds: make(map[appbur.GroupKind]bool),
		silenced: make(map[string]bool),
	}
	for _, hook := range webhooks {
		if hook.Silence {
			d.silenced[calling(hook.Name)] = true
		}
	}
	return d
}

type dryCluster struct {
	Cluster

	mu      sync.Mutex
	count   int
	created map[appbur.ObjectID]bool  // would be there now
	deleted map[appbur.ObjectID]bool  // would be gone now
	kinds   map[appbur.GroupKind]bool // whose definition was applied; true if it would be new

	silenced map[string]bool // as errors name the webhooks
}

var _ Cluster = (*dryCluster)(nil)

// Apply implements [Cluster].
func (d *dryCluster) Apply(ctx context.Context, r Request) (Applied, error) {
	if d.unknowable(r) {
		return d.pretend(r.Object), nil
	}
	r.DryRun = true
	answer, err := d.Cluster.Apply(ctx, r)
	if errors.Is(err, ErrNotServed) && d.defines(r.Object.GroupKind()) {
		return d.pretend(r.Object), nil // at a version that the restored definition adds
	}
	if err != nil && d.silenced[webhookIn(err)] {
		return d.unanswered(ctx, r)
	}

	if err != nil {
		return Applied{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if answer.Created {
		d.created[r.Object] = true
	}
	if r.Object.GroupKind() == kindDefinition {
		d.kinds[readDefinition(r.Object, r.Content).kind] = answer.Created
	}
	return answer, nil
}

// unknowable reports whether the server must say no although a real restore would
// have made what it misses.
func (d *dryCluster) unknowable(r Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kinds[r.Object.GroupKind()] || d.deleted[r.Object] ||
		r.Object.Namespace != "" && d.created[appbur.ObjectID{Kind: kindNamespace.Kind, Name: r.Object.Namespace}] ||
		r.Status && d.created[r.Object]
}

func (d *dryCluster) defines(kind appbur.GroupKind) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.kinds[kind]
	return ok
}

// pretend answers for the server, with a uid that nothing has.
func (d *dryCluster) pretend(id appbur.ObjectID) Applied {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	d.created[id] = true
	return Applied{Identity: Identity{UID: fmt.Sprintf("dry-run-%d", d.count)}, Created: true, Unchecked: true}
}

// unanswered answers for the server where a webhook has nobody to answer for it and would be silent.
func (d *dryCluster) unanswered(ctx context.Context, r Request) (Applied, error) {
	live, err := d.Cluster.Get(ctx, r.Object, r.APIVersion)
	if apierrors.IsNotFound(err) {
		return d.pretend(r.Object), nil
	}
	return Applied{Identity: identityOf(live), Unchecked: true, Object: r.Content}, err
}

// Get implements [Cluster]. A definition that would be new would be established, and a
// new namespace would get its accounts. All else that would be new is not there, which the
// server would say of a kind that it does not serve yet in words that ask for another try.
func (d *dryCluster) Get(ctx context.Context, id appbur.ObjectID, apiVersion string) (map[string]any, error) {
	d.mu.Lock()
	created := d.created[id]
	inNew := d.created[appbur.ObjectID{Kind: kindNamespace.Kind, Name: id.Namespace}]
	d.mu.Unlock()
	if id.GroupKind() == kindServiceAccount && (created || inNew) {
		return map[string]any{}, nil // this restore, or a controller, would make it
	}
	if created && id.GroupKind() == kindDefinition {
		return map[string]any{"status": map[string]any{"conditions": []any{
			map[string]any{"type": "Established", "status": "True"},
		}}}, nil
	}
	if created {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: id.Group, Resource: id.Kind}, id.Name)
	}
	return d.Cluster.Get(ctx, id, apiVersion)
}

// Serves implements [Cluster].
func (d *dryCluster) Serves(ctx context.Context, apiVersion, kind string) (bool, error) {
	if d.defines(appbur.GroupKind{Group: groupOf(apiVersion), Kind: kind}) {
		return true, nil
	}
	return d.Cluster.Serves(ctx, apiVersion, kind)
}
