package restore

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/appbur/appbur"
)

// What is absent is created by a POST: a server does less for it than for an apply, and takes
// what apply refuses, such as two elements of one key. What exists is applied, so that two who
// write an object see each other's fields.
//
// The fields of a created object are ours, by an entry of managedFields with the operation
// Update, which has the defaults of the server as well. They are not created in the name of
// the manager that had them in the source, which one request could do for one manager that did
// not apply: a restore that is run again, or for another point, could then not tell its own
// values from a later decision of that manager, and would be refused without force. Who applied
// fields in the source gets them back ([worker.handOver]); who updates owns what it writes.
//
// A later restore that has to change the object takes the entry over into an apply first
// ([worker.claim]), so that what a plan does not have any more goes away, and what was a
// default is filled in again.

// validatesFields reports whether a create is refused for a field that the server does not
// know, as an apply always is. Older servers drop it and say nothing (the feature
// ServerSideFieldValidation, on by default since 1.25), so there everything is applied.
func validatesFields(v appbur.KubeVersion) bool { return v.Major > 1 || v.Major == 1 && v.Minor >= 25 }

// create makes an object that is not there; taken is true when somebody else just did.
func (w *worker) create(ctx context.Context, a *stepResult, content map[string]any) (taken bool, err error) {
	request := Request{
		By: ByCreate, Object: a.step.Object, APIVersion: a.step.APIVersion, Content: content, Force: w.policy.ForceConflicts,
	}
	if !w.creates {
		request.By = ByApply
	}

	answer, err := w.write(ctx, a, request)
	if apierrors.IsAlreadyExists(err) {
		return w.isTaken(ctx, a, content)
	}
	if err != nil {
		return false, w.unchangeable(ctx, a, request, err)
	}

	a.identity, a.unchecked = answer.Identity, answer.Unchecked
	if a.step.Details().handsOver {
		a.managed = answer.Managed
	}
	switch {
	case answer.Terminating:
		return false, ErrTerminating
	case answer.Created:
		a.result = Created
	default: // applied since the target was listed
		a.result = Configured
	}
	return false, nil
}

// isTaken looks at an object that exists although it was not in the list. It is our own when
// the answer to an earlier attempt was lost.
func (w *worker) isTaken(ctx context.Context, a *stepResult, content map[string]any) (bool, error) {
	if a.requests < 2 {
		return true, nil
	}
	found, err := w.live(ctx, a)
	if err != nil || found == nil {
		return true, err
	}
	if identity := identityOf(found); identity.Applied != "" && !identity.Terminating && len(differences(content, found)) == 0 {
		a.identity, a.result = identity, Created
		return false, nil
	}
	return true, nil
}

// claim takes what we created or updated over into what we applied, and reports whether there
// was anything of it. The content of the object stays as it is.
func (w *worker) claim(ctx context.Context, a *stepResult, found map[string]any) (bool, error) {
	if !slices.ContainsFunc(list(found, "metadata", "managedFields"), isOurUpdate) {
		return false, nil
	}
	return true, w.readAndWrite(ctx, a, func() error {
		live, err := w.live(ctx, a)
		if err != nil || live == nil {
			return err
		}
		object := &unstructured.Unstructured{Object: map[string]any{"metadata": live["metadata"]}}
		object = object.DeepCopy()
		if err := csaupgrade.UpgradeManagedFields(object, sets.New(FieldManager), FieldManager); err != nil {
			return err
		}
		return w.sendManagers(ctx, a, object.GetResourceVersion(), list(object.Object, "metadata", "managedFields"))
	})
}

// updatedByUs returns the managers of a live object that is going to be updated: what we
// applied or claimed is not what we apply any more.
func updatedByUs(live map[string]any) []any {
	managers := slices.Clone(list(live, "metadata", "managedFields"))
	if slices.ContainsFunc(managers, isOurUpdate) {
		return managers
	}
	for i, entry := range managers {
		if text(entry, "manager") == FieldManager && text(entry, "subresource") == "" {
			managers[i] = with(dict(entry), string(metav1.ManagedFieldsOperationUpdate), "operation")
		}
	}
	return managers
}

// isOurUpdate reports whether an entry of managedFields is that of a create, or an update, by us.
func isOurUpdate(entry any) bool {
	return text(entry, "manager") == FieldManager && text(entry, "operation") == string(metav1.ManagedFieldsOperationUpdate) &&
		text(entry, "subresource") == ""
}

// sendManagers replaces the managers of a live object that still has the resource version.
func (w *worker) sendManagers(ctx context.Context, a *stepResult, version string, managers []any) error {
	metadata := map[string]any{
		"name": a.step.Object.Name, "resourceVersion": version, "managedFields": managers,
	}
	if a.step.Object.Namespace != "" {
		metadata["namespace"] = a.step.Object.Namespace
	}
	_, err := w.send(ctx, a, Request{
		By: ByMerge, Object: a.step.Object, APIVersion: a.step.APIVersion,
		Content: map[string]any{"apiVersion": a.step.APIVersion, "kind": a.step.Object.Kind, "metadata": metadata},
	})
	return err
}
