package managementcluster

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

// Summary says what was loaded.
type Summary struct {
	// Objects counts the objects that Load made, and Existing those that were
	// there before and were left as they are.
	Objects, Existing int
	// Kinds counts the distinct kinds among all of them.
	Kinds int
	// Statuses counts the custom resources that were given a status.
	Statuses int
}

// String is one line for people.
func (s Summary) String() string {
	text := fmt.Sprintf("%d objects of %d kinds", s.Objects+s.Existing, s.Kinds)
	if s.Existing > 0 {
		text += fmt.Sprintf(", %d of which were there already", s.Existing)
	}
	return text
}

// Load fills the cluster, which must serve the API versions of Kubernetes 1.24,
// and returns when the cluster has settled. It adds what is missing, so that a
// second Load, or one after an interruption, is harmless.
func Load(ctx context.Context, cfg *rest.Config) (Summary, error) {
	c, err := newClient(cfg)
	if err != nil {
		return Summary{}, err
	}

	l := &loader{client: c, owners: registry{}, kinds: map[string]bool{}}
	for _, t := range topics {
		objects, err := t.objects()
		if err != nil {
			return l.summary, err
		}
		for _, obj := range objects {
			if err := l.load(ctx, t, obj); err != nil {
				return l.summary, fmt.Errorf("load %s: %w", t.file, err)
			}
		}
	}

	if err := l.load(ctx, topic{file: "the inventory", manager: "inventory-exporter"}, inventory()); err != nil {
		return l.summary, fmt.Errorf("load the inventory: %w", err)
	}
	l.summary.Kinds = len(l.kinds)
	return l.summary, c.settle(ctx)
}

// loader is one run of Load.
type loader struct {
	client  *client
	owners  registry
	kinds   map[string]bool
	summary Summary
}

// load creates one object and gives it its status.
func (l *loader) load(ctx context.Context, t topic, obj *unstructured.Unstructured) error {
	id := identify(obj)
	if err := l.owners.link(obj); err != nil {
		return err
	}
	in, r, err := l.client.of(ctx, obj)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	if t.lastApplied {
		if err := leaveLastApplied(obj); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	live, err := in.Create(ctx, obj, metav1.CreateOptions{FieldManager: t.manager})
	if err != nil {
		// Not every server says "already exists" first: of a Service it says that
		// its node ports are taken. So look.
		existing, getErr := in.Get(ctx, obj.GetName(), metav1.GetOptions{})
		if getErr != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		live = existing
		l.summary.Existing++
	} else {
		l.summary.Objects++
	}
	l.owners[id] = live.GetUID()
	l.kinds[id.group+"/"+id.kind] = true

	status, ok := obj.Object["status"]
	if !ok || !r.status {
		return nil // or it went with the object, where there is no subresource
	}
	live.Object["status"] = status
	if _, err := in.UpdateStatus(ctx, live, metav1.UpdateOptions{FieldManager: t.manager}); err != nil {
		return fmt.Errorf("%s: status: %w", id, err)
	}
	l.summary.Statuses++
	return nil
}

// cutSubresource splits "machines/status".
func cutSubresource(name string) (resource, subresource string, ok bool) {
	return strings.Cut(name, "/")
}
