package restore

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// unchangeablePhrases are how API servers say that a field of an existing object
// stays as it is. No reason in the answer says it.
var unchangeablePhrases = []string{
	"immutable",                       // apimachinery, FieldImmutableErrorMsg; CEL rules of custom resources
	"may not change once set",         // Service, clusterIPs
	"may not be changed in an update", // PriorityClass
	"cannot change roleRef",           // RBAC bindings
	"updates to provisioner are forbidden",
	"updates to parameters are forbidden",
	"updates to reclaimPolicy are forbidden",
	"updates to statefulset spec for fields other than",
	"pod updates may not change fields other than",
}

func isUnchangeable(err error) bool {
	if !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) {
		return false
	}
	return slices.ContainsFunc(unchangeablePhrases, func(phrase string) bool { return mentions(err, phrase) })
}

// unchangeable returns the error that a person can act upon. The server looks for
// conflicts first, so an immutable field of another manager looks like
// one that force would take over. A forced dry run distinguishes the two.
func (w *worker) unchangeable(ctx context.Context, a *stepResult, request Request, err error) error {
	if request.Force || !isFieldConflict(err) {
		return err
	}
	request.Force, request.DryRun = true, true
	if _, forced := w.send(ctx, a, request); forced != nil && isUnchangeable(forced) {
		return forced
	}
	return err
}
