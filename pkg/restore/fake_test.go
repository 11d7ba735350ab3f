package restore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
)

// What encodes content has channels: made inside a bubble of testing/synctest, it could not be used in another one.
func init() { ContentOf(map[string]any{"a": "b"}).Object() }

// faultyCluster keeps what is applied, and fails on request. It replaces no
// server: what a server does is tested against a real one.
type faultyCluster struct {
	// fault is called before every apply; attempt counts applies of the object, from 1.
	fault func(r Request, attempt int) error

	mu       sync.Mutex
	clock    int
	objects  map[appbur.ObjectID]*kept
	attempts map[appbur.ObjectID]int
	order    []appbur.ObjectID // of first successful applies
	running  int
	busiest  int
	lists    int
	reads    int
	// shown is how many objects a list shows before it is refused; zero is all of them.
	shown int
}

type kept struct {
	identity Identity
	content  map[string]any
	status   any
	manager  string
}

// keep stores what somebody writes while a request is under way.
func (f *faultyCluster) keep(r Request, manager string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock++
	f.objects[r.Object] = &kept{
		identity: Identity{UID: fmt.Sprintf("uid-%d", f.clock), ResourceVersion: fmt.Sprint(f.clock)}, content: r.Content, manager: manager,
	}
}

func newFaultyCluster() *faultyCluster {
	return &faultyCluster{objects: make(map[appbur.ObjectID]*kept), attempts: make(map[appbur.ObjectID]int)}
}

func (f *faultyCluster) Serves(context.Context, string, string) (bool, error) { return true, nil }

func (f *faultyCluster) Existing(_ context.Context, apiVersion, kind string) (map[appbur.ObjectID]Identity, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := make(map[appbur.ObjectID]Identity)
	for id, k := range f.objects {
		if id.Kind == kind && id.Group == groupOf(apiVersion) {
			found[id] = k.identity
		}
	}
	return found, nil
}

func (f *faultyCluster) Get(_ context.Context, id appbur.ObjectID, _ string) (map[string]any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	k, ok := f.objects[id]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: id.Kind}, id.Name)
	}
	content := with(k.content, k.identity.UID, "metadata", "uid")
	if k.manager != "" {
		content = with(content, []any{map[string]any{
			"manager": k.manager, "operation": "Update", "fieldsV1": map[string]any{"f:data": map[string]any{"f:a": map[string]any{}}},
		}}, "metadata", "managedFields")
	}
	content = with(content, k.identity.ResourceVersion, "metadata", "resourceVersion")
	if id.GroupKind() == kindDefinition {
		return with(content, []any{map[string]any{"type": "Established", "status": "True"}}, "status", "conditions"), nil
	}
	if k.status != nil {
		content = with(content, k.status, "status")
	}
	return content, nil
}

func (f *faultyCluster) Page(
	ctx context.Context, apiVersion, kind, namespace, _ string, visit func(map[string]any),
) (string, error) {
	f.mu.Lock()
	ids := slices.SortedFunc(maps.Keys(f.objects), appbur.ObjectID.Compare)
	f.lists++
	shown := f.shown
	f.mu.Unlock()
	for _, id := range ids {
		if id.Kind != kind || id.Group != groupOf(apiVersion) || id.Namespace != namespace {
			continue
		}
		object, err := f.Get(ctx, id, apiVersion)
		if err != nil {
			return "", err
		}
		visit(object)
		if shown--; shown == 0 {
			return "", apierrors.NewForbidden(schema.GroupResource{Resource: kind}, "", fmt.Errorf("no more"))
		}
	}
	return "", nil
}

func (f *faultyCluster) Apply(ctx context.Context, r Request) (Applied, error) {
	if err := ctx.Err(); err != nil {
		return Applied{}, err
	}
	f.mu.Lock()
	f.attempts[r.Object]++
	attempt := f.attempts[r.Object]
	f.running++
	f.busiest = max(f.busiest, f.running)
	f.mu.Unlock()

	if f.fault != nil {
		if err := f.fault(r, attempt); err != nil {
			f.mu.Lock()
			f.running--
			f.mu.Unlock()
			return Applied{}, err
		}
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	k, ok := f.objects[r.Object]

	if r.Status {
		if !equalJSON(k.status, r.Content["status"]) {
			f.clock++
			k.status = r.Content["status"]
			k.identity.ResourceVersion = fmt.Sprint(f.clock)
		}
		return Applied{Identity: k.identity}, nil
	}

	for _, reference := range list(r.Content, "metadata", "ownerReferences") {
		if !f.alive(text(reference, "uid")) {
			panic(fmt.Sprintf("%s has an owner reference to a uid that nothing has", r.Object))
		}
	}

	if ok && r.By == ByCreate {
		return Applied{}, apierrors.NewAlreadyExists(schema.GroupResource{Resource: r.Object.Kind}, r.Object.Name)
	}
	if !ok {
		f.clock++
		f.order = append(f.order, r.Object)
		k = &kept{identity: Identity{UID: fmt.Sprintf("uid-%d", f.clock)}}
		f.objects[r.Object] = k
	}
	if !equalJSON(k.content, r.Content) {
		f.clock++
		k.content = r.Content
		k.identity.ResourceVersion = fmt.Sprint(f.clock)
		k.identity.Applied = k.identity.ResourceVersion
	}
	return Applied{Identity: k.identity, Created: !ok}, nil
}

func (f *faultyCluster) Delete(_ context.Context, d Deletion) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k, ok := f.objects[d.Object]
	switch {
	case !ok:
		return false, apierrors.NewNotFound(schema.GroupResource{Resource: d.Object.Kind}, d.Object.Name)
	case k.identity.UID != d.UID || d.ResourceVersion != "" && k.identity.ResourceVersion != d.ResourceVersion:
		return false, raced()
	}
	delete(f.objects, d.Object)
	return true, nil
}

func (f *faultyCluster) alive(uid string) bool {
	for _, k := range f.objects {
		if k.identity.UID == uid {
			return true
		}
	}
	return false
}

func equalJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// The errors that servers answer with.

func tooManyRequests() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusTooManyRequests, Reason: metav1.StatusReasonTooManyRequests,
		Message: "too many requests", Details: &metav1.StatusDetails{},
	}}
}

func webhookDown() error {
	return apierrors.NewInternalError(fmt.Errorf(`failed calling webhook "x.example.com": connection refused`))
}

func raced() error {
	return apierrors.NewConflict(schema.GroupResource{Resource: "x"}, "x", fmt.Errorf("the object has been modified"))
}

func fieldConflict() error {
	return apierrors.NewApplyConflict([]metav1.StatusCause{{
		Type: metav1.CauseTypeFieldManagerConflict, Message: `conflict with "kubectl"`, Field: ".data.a",
	}}, `Apply failed with 1 conflict: conflict with "kubectl": .data.a`)
}

func namespaceTerminating() error {
	err := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "a",
		fmt.Errorf("unable to create new content in namespace n because it is being terminated"))
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{Type: corev1.NamespaceTerminatingCause})
	return err
}
