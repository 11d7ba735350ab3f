package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/rewrite"
)

// parallelReads is how many objects are read from the target at the same time.
const parallelReads = 16

// originals finds which objects that a namespace map would change are the target's own: those
// that it has, and that name an old namespace there. What may not be read counts as its own.
func originals(
	ctx context.Context, cluster restore.Cluster, target compat.Target, c rewrite.Changes, point restore.Point,
) (map[appbur.ObjectID]bool, error) {
	contested, err := c.Contested(point)
	if err != nil || len(contested) == 0 {
		return nil, err
	}
	reader := originalsReader{cluster: cluster, changes: c, lists: make(map[string]*liveIDs), found: make(map[appbur.ObjectID]bool)}
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)

	for _, o := range contested {
		apiVersion, id := inTarget(o, target)
		list, err := reader.list(ctx, apiVersion, id.Kind)
		if err != nil {
			return nil, err
		}
		if list.forbidden {
			reader.record(o.ID, true)
			continue
		}
		if !list.has[id] {
			continue
		}
		group.Go(func() error { return reader.read(each, o, id, apiVersion) })
	}
	err = group.Wait()
	return reader.found, err
}

// inTarget says how the target calls an object.
func inTarget(o restore.Object, target compat.Target) (apiVersion string, id appbur.ObjectID) {
	apiVersion, id = o.APIVersion, o.ID
	if verdict := compat.Judge(o.Content, target); verdict.APIVersion != "" {
		apiVersion = verdict.APIVersion
	}
	if id.Group, _, _ = strings.Cut(apiVersion, "/"); !strings.Contains(apiVersion, "/") {
		id.Group = ""
	}
	return apiVersion, id
}

// liveIDs are the objects of one kind in the target.
type liveIDs struct {
	has       map[appbur.ObjectID]bool
	forbidden bool
}

type originalsReader struct {
	cluster restore.Cluster
	changes rewrite.Changes
	lists   map[string]*liveIDs

	mu    sync.Mutex
	found map[appbur.ObjectID]bool
}

func (r *originalsReader) record(id appbur.ObjectID, original bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[id] = original
}

// list reads once which objects of a kind there are.
func (r *originalsReader) list(ctx context.Context, apiVersion, kind string) (*liveIDs, error) {
	key := apiVersion + " " + kind
	if list, ok := r.lists[key]; ok {
		return list, nil
	}
	list := &liveIDs{has: make(map[appbur.ObjectID]bool)}
	r.lists[key] = list

	existing, err := r.cluster.Existing(ctx, apiVersion, kind)
	switch {
	case apierrors.IsForbidden(err), restore.IsUnconverted(err):
		list.forbidden = true
	case errors.Is(err, restore.ErrNotServed) || apierrors.IsNotFound(err):
		// The target has no such kind.
	case err != nil:
		return nil, clusterHint(fmt.Errorf("reading what the target has of the kind %s: %w", kind, err))
	}
	for id := range existing {
		list.has[id] = true
	}
	return list, nil
}

// read looks at one object of the target.
func (r *originalsReader) read(ctx context.Context, o restore.Object, id appbur.ObjectID, apiVersion string) error {
	live, err := r.cluster.Get(ctx, id, apiVersion)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		r.record(o.ID, true)
		return nil
	case err != nil:
		return clusterHint(fmt.Errorf("reading %s in the target: %w", id, err))
	}

	old, err := r.changes.NameOld(restore.Object{ID: id, APIVersion: apiVersion, Content: live})
	r.record(o.ID, old)
	return err
}
