package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
	"github.com/appbur/appbur/pkg/selection"
)

// pausedObject is an object that a restore has paused.
type pausedObject struct {
	id         appbur.ObjectID
	apiVersion string
	labels     map[string]string
	// mark is the text of its annotation.
	mark string
}

// pausedFinder looks for paused objects by their label. That is one short list for each kind.
type pausedFinder struct {
	client metadata.Interface
	types  []pausableType

	mu    sync.Mutex
	found []pausedObject
	// closed are the kinds that the account may not list, or that the target cannot.
	closed []string
}

// pausableType is a resource that can hold paused objects.
type pausableType struct {
	metav1.APIResource

	version schema.GroupVersion
}

func newPausedFinder(ctx context.Context, config *rest.Config) (*pausedFinder, error) {
	own := rest.CopyConfig(config)
	own.QPS = -1
	own.Wrap(func(next http.RoundTripper) http.RoundTripper { return soonUnlisted{next} })
	client, err := metadata.NewForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	served, err := discovery.NewDiscoveryClientForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	lists, err := served.ServerPreferredResourcesWithContext(ctx)
	var partly *discovery.ErrGroupDiscoveryFailed
	if err != nil && !errors.As(err, &partly) { // whoever asked for a plan was told already
		return nil, clusterHint(fmt.Errorf("reading what the target at %s serves: %w", server(config), err))
	}

	f := &pausedFinder{client: client}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // of an aggregated API that is broken
		}
		for _, r := range list.APIResources {
			if slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "patch") && !strings.Contains(r.Name, "/") && r.Kind != "Event" {
				f.types = append(f.types, pausableType{r, version})
			}
		}
	}
	return f, nil
}

// resources are the names of the kinds, for a selection.
func (f *pausedFinder) resources() []selection.Resource {
	resources := make([]selection.Resource, 0, len(f.types))
	for _, t := range f.types {
		names := append([]string{t.Name, t.SingularName}, t.ShortNames...)
		names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
		resources = append(resources, selection.Resource{Kind: appbur.GroupKind{Group: t.version.Group, Kind: t.Kind}, Names: names})
	}
	return resources
}

// waiting finds those objects of a point that a restore has paused in the target.
func (f *pausedFinder) waiting(
	ctx context.Context, cluster restore.Cluster, target compat.Target, point restore.Point, t *pause.Target,
) error {
	type savedAs struct {
		kind       appbur.GroupKind
		apiVersion string
	}
	groups := make(map[savedAs]string) // to judge each object would take longer than the lists
	kinds := make(map[appbur.GroupKind]bool)
	inTargetAs := func(i int, id appbur.ObjectID) appbur.ObjectID {
		id.Group = groups[savedAs{id.GroupKind(), point.Objects.APIVersion(i)}]
		return id
	}
	for i, id := range point.Objects.IDs() {
		as := savedAs{id.GroupKind(), point.Objects.APIVersion(i)}
		if _, known := groups[as]; !known {
			_, there := inTarget(point.Objects.At(i), target)
			groups[as] = there.Group
		}
		kinds[inTargetAs(i, id).GroupKind()] = true
	}

	f.types = slices.DeleteFunc(f.types, func(t pausableType) bool {
		return !kinds[appbur.GroupKind{Group: t.version.Group, Kind: t.Kind}]
	})
	if err := f.find(ctx, nil); err != nil {
		return err
	}
	paused := make(map[appbur.ObjectID]bool, len(f.found))
	for _, o := range f.found {
		paused[o.id] = true
	}
	saved := make(map[appbur.ObjectID]appbur.ObjectID, len(f.found)) // by the id in the target
	for i, id := range point.Objects.IDs() {
		if there := inTargetAs(i, id); paused[there] {
			saved[there] = id
		}
	}
	f.found = slices.DeleteFunc(f.found, func(o pausedObject) bool { _, ok := saved[o.id]; return !ok })
	releases, err := releasesOf(ctx, cluster, f.found, func() {})
	if err != nil {
		return err
	}

	t.Waiting, t.Resumed = make(map[appbur.ObjectID]string), make(map[appbur.ObjectID]string)
	for i, o := range f.found {
		switch release := releases[i]; {
		case release == nil: // it was released since
		case release.Resumed:
			t.Resumed[saved[o.id]] = o.mark
		default:
			t.Waiting[saved[o.id]] = o.mark
		}
	}
	return nil
}

// find lists the paused objects of all kinds. What may not be listed in the whole cluster is listed in
// each of the namespaces.
func (f *pausedFinder) find(ctx context.Context, namespaces []string) error {
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for _, t := range f.types {
		group.Go(func() error {
			err := f.list(each, t, "")
			for _, namespace := range namespaces {
				if !t.Namespaced || !apierrors.IsForbidden(err) && !errors.Is(err, errInNamespaces) {
					break
				}
				if err = f.list(each, t, namespace); err == nil {
					err = errInNamespaces
				}
			}

			switch {
			case err == nil, errors.Is(err, errInNamespaces):
				return nil
			case apierrors.IsForbidden(err), restore.IsUnconverted(err):
				f.mu.Lock()
				defer f.mu.Unlock()
				f.closed = append(f.closed, t.Name)
				return nil
			case apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) || apierrors.IsServiceUnavailable(err):
				return nil // of an aggregated API that is broken, or gone by now
			}
			return clusterHint(fmt.Errorf("looking for paused %s in the target: %w", t.Name, err))
		})
	}
	err := group.Wait()
	slices.SortFunc(f.found, func(a, b pausedObject) int { return a.id.Compare(b.id) })
	slices.Sort(f.closed)
	return err
}

// errInNamespaces says that a kind could be listed in namespaces.
var errInNamespaces = errors.New("listed by namespace")

// pausedPage is how many objects one answer has at most.
const pausedPage = 500

func (f *pausedFinder) list(ctx context.Context, t pausableType, namespace string) error {
	options := metav1.ListOptions{LabelSelector: restore.PausedKey, Limit: pausedPage}
	for {
		page, err := f.client.Resource(t.version.WithResource(t.Name)).Namespace(namespace).List(ctx, options)
		if err != nil {
			return err
		}
		f.mu.Lock()
		for i := range page.Items {
			item := &page.Items[i]
			f.found = append(f.found, pausedObject{
				id:         appbur.ObjectID{Group: t.version.Group, Kind: t.Kind, Namespace: item.Namespace, Name: item.Name},
				apiVersion: t.version.String(), labels: item.Labels, mark: item.Annotations[restore.PausedKey],
			})
		}
		f.mu.Unlock()
		if options.Continue = page.Continue; options.Continue == "" {
			return nil
		}
	}
}

// releasesOf reads from the target how paused objects are released. What is not paused is left out.
func (e *env) releasesOf(ctx context.Context, cluster restore.Cluster, paused []pausedObject) ([]pause.Release, error) {
	bar := e.bar("reading what is paused", "objects")
	defer bar.finish()
	releases, err := releasesOf(ctx, cluster, paused, func() { bar.add(1) })
	if err != nil {
		return nil, err
	}
	found := make([]pause.Release, 0, len(releases))
	for _, release := range releases {
		if release != nil {
			found = append(found, *release)
		}
	}
	pause.Sort(found)
	return found, nil
}

// releasesOf returns how each of the objects is released, nil for those that are not paused.
func releasesOf(ctx context.Context, cluster restore.Cluster, paused []pausedObject, done func()) ([]*pause.Release, error) {
	patient := restore.Patient(cluster)
	releases := make([]*pause.Release, len(paused))
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)

	for i, o := range paused {
		group.Go(func() error {
			defer done()
			live, err := patient.Get(each, o.id, o.apiVersion)
			if apierrors.IsNotFound(err) {
				return nil
			}
			if err != nil {
				return clusterHint(fmt.Errorf("reading %s in the target: %w", o.id, err))
			}
			if release, ok := pause.ReleaseOf(o.id, live); ok {
				releases[i] = &release
			}
			return nil
		})
	}
	return releases, group.Wait()
}
