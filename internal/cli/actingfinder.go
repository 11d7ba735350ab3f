package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
	"github.com/appbur/appbur/pkg/selection"
)

// actingFinder looks for the objects of a running cluster that controllers act on, by the rules of pauses.
type actingFinder struct {
	cluster restore.Cluster
	rules   []pause.Rule

	types *pausedFinder
	holds []pause.Hold
	// chosen are the same objects as a selection sees them.
	chosen map[appbur.ObjectID]selection.Object
	// closed are the resources that the account may not list, or that the cluster cannot.
	closed []string
}

// definitions are the kinds that say what custom resources are like, and which of them act.
var definitions = []struct{ apiVersion, kind string }{
	{"apiextensions.k8s.io/v1", "CustomResourceDefinition"},
	{"apiextensions.crossplane.io/v1", "CompositeResourceDefinition"},
}

// find lists the kinds that a rule is about, one after the other: a list at a time is in memory, and of it what acts.
func (f *actingFinder) find(ctx context.Context, config *rest.Config, namespaces []string) (err error) {
	if f.types, err = newPausedFinder(ctx, config); err != nil {
		return err
	}
	var defined []restore.Object
	for _, d := range definitions {
		err := f.each(ctx, d.apiVersion, d.kind, "", func(id appbur.ObjectID, live map[string]any) {
			defined = append(defined, restore.Object{ID: id, APIVersion: d.apiVersion, Content: live})
		})
		if err != nil && !isUnlistable(err) {
			return clusterHint(fmt.Errorf("reading the definitions of the cluster: %w", err))
		}
	}

	f.chosen = make(map[appbur.ObjectID]selection.Object)
	living := pause.Pauses{Rules: f.rules}.Living(defined)
	for _, t := range f.types.types {
		if !living.Concerns(appbur.GroupKind{Group: t.version.Group, Kind: t.Kind}) {
			continue
		}
		if err := f.list(ctx, t, namespaces, living); err != nil {
			return err
		}
	}
	pause.SortHolds(f.holds)
	return nil
}

// list finds what acts of one kind: in the whole cluster, or where the account may not, in each of the namespaces.
func (f *actingFinder) list(ctx context.Context, t pausableType, namespaces []string, living pause.Living) error {
	take := func(id appbur.ObjectID, live map[string]any) {
		if hold, acts := living.HoldOf(id, live); acts {
			f.holds = append(f.holds, hold)
			f.chosen[id] = selectable(id, live)
		}
	}
	err := f.each(ctx, t.version.String(), t.Kind, "", take)
	if t.Namespaced && apierrors.IsForbidden(err) && len(namespaces) > 0 {
		for _, namespace := range namespaces {
			if err = f.each(ctx, t.version.String(), t.Kind, namespace, take); err != nil {
				break
			}
		}
	}

	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err) || restore.IsUnconverted(err):
		f.closed = append(f.closed, t.Name)
		return nil
	case isUnlistable(err):
		return nil // of an aggregated API that is broken, or gone by now
	}
	return clusterHint(fmt.Errorf("looking for %s that act: %w", t.Name, err))
}

// isUnlistable reports whether a kind has no list: nobody serves it, or nobody answers for it.
func isUnlistable(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) || apierrors.IsServiceUnavailable(err) ||
		errors.Is(err, restore.ErrNotServed) || apierrors.IsForbidden(err)
}

// each passes the objects of a kind on, page by page.
func (f *actingFinder) each(
	ctx context.Context, apiVersion, kind, namespace string, take func(appbur.ObjectID, map[string]any),
) error {
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return err
	}
	for token := ""; ; {
		next, err := f.cluster.Page(ctx, apiVersion, kind, namespace, token, func(live map[string]any) {
			object := unstructured.Unstructured{Object: live}
			take(appbur.ObjectID{Group: version.Group, Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName()}, live)
		})
		if err != nil || next == "" {
			return err
		}
		token = next
	}
}

// selected returns what acts and is selected.
func (f *actingFinder) selected(selector selection.Selector) ([]pause.Hold, error) {
	if selector.Everything() {
		return append([]pause.Hold{}, f.holds...), nil
	}
	objects := make([]selection.Object, 0, len(f.holds))
	for _, hold := range f.holds {
		objects = append(objects, f.chosen[hold.Object])
	}
	selected, err := selector.Resolve(objects, nil, f.types.resources())
	var word *selection.WordError
	if errors.As(err, &word) && errors.Is(err, selection.ErrNoMatch) {
		return nil, &notFoundError{appbur.WithHint(fmt.Errorf("nothing that acts in the cluster matches %q", word.Word),
			"`appbur pause --dry-run` without a selection lists what acts and is not paused")}
	}
	if err != nil {
		return nil, selectionError(err)
	}
	return slices.DeleteFunc(slices.Clone(f.holds), func(h pause.Hold) bool {
		return !selected.Holds(f.chosen[h.Object])
	}), nil
}
