package restore

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/appbur/appbur"
)

// ErrTerminating is the error of applying an object that is being deleted.
var ErrTerminating = errors.New("the object is being deleted")

// ErrDiffers is the error of an object that another manager may have changed: it cannot be
// applied, and replacing it would overwrite what that manager wrote.
var ErrDiffers = errors.New("it differs, and server-side apply cannot determine the manager")

// Failure names a family of errors of the target, for callers that know a cure of their
// own for it, such as a flag.
type Failure string

const (
	// FailureDiffers is [ErrDiffers].
	FailureDiffers Failure = "differs"
	// FailureForeignFields means that others manage fields that the plan sets.
	FailureForeignFields Failure = "foreign fields"
	// FailureUnchangeable means that the server lets nobody change a field of an object that exists.
	FailureUnchangeable Failure = "unchangeable"
	// FailureUnanswered means that nobody answers for an admission webhook.
	FailureUnanswered Failure = "unanswered"
	// FailureUnknownField means that the target does not know a field of the object.
	FailureUnknownField Failure = "unknown field"
)

// FailureOf returns the family of an error, "" for one that needs no name.
func FailureOf(err error) Failure {
	if rule := failureRuleOf(err); rule != nil {
		return rule.failure
	}
	return ""
}

type failureRule struct {
	matches func(error) bool
	// hint is what a person can do about it, in no caller's terms.
	hint    string
	failure Failure
}

// failureRules are tried in order, for some errors are of several families.
var failureRules = []failureRule{
	{
		func(err error) bool { return errors.Is(err, ErrDiffers) },
		"force the restore to bring it to the restore point, or leave the object as it is",
		FailureDiffers,
	},
	{
		func(err error) bool { return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) },
		"the namespace is being deleted: wait until it is gone and run the restore again",
		"",
	},
	{
		func(err error) bool { return errors.Is(err, ErrStays) },
		"whoever set its finalizers ends them: see that its controller runs; nothing is forced. Run the restore again to see whether it is gone",
		"",
	},
	{
		func(err error) bool { return errors.Is(err, ErrTerminating) },
		"wait until it is gone, or remove its finalizers, and run the restore again",
		"",
	},
	{
		isUnchangeable,
		"the object exists and this field cannot be changed, not by force either: delete the object in the target, if nothing depends on it, and run the restore again",
		FailureUnchangeable,
	},
	{
		func(err error) bool { return mentions(err, "already marked as default") },
		"the target has another PriorityClass with globalDefault: take it from one of the two, then run the restore again",
		"",
	},
	{
		isUnreadableYAML,
		"the API server reads a server-side apply as YAML and cannot read this object so, usually for a key of more than 1,024 characters: " +
			"delete the object in the target to have it created again, or write it with kubectl replace, which sends JSON",
		"",
	},
	{
		apierrors.IsRequestEntityTooLargeError,
		"the object is larger than the API server of the target takes: see its flag --max-request-bytes of etcd, or make the object smaller in the source",
		"",
	},
	{
		isFieldConflict,
		"another field manager owns these fields: force the restore to take them over, or leave the object as it is",
		FailureForeignFields,
	},
	{
		func(err error) bool { return errors.Is(err, ErrNotServed) || meta.IsNoMatchError(err) },
		"install the operator or the custom resource definition that brings this kind, then run the restore again",
		"",
	},
	{
		sharesKeys,
		"two elements of a list have one key, which server-side apply cannot write: delete the object in the target to have it created again",
		"",
	},
	{
		func(err error) bool { return mentions(err, "failed to create typed patch object") },
		"the target does not know a field of this object: the plan says what conversion changed",
		FailureUnknownField,
	},
	{
		func(err error) bool { return mentions(err, "failed calling webhook") },
		"an admission webhook of the target does not answer: start its backend or remove its configuration, then run the restore again",
		FailureUnanswered,
	},
	{
		IsUnconverted,
		"nobody answers for the conversion webhook of the kind, and the target has this object at a version that has to be converted: " +
			"start its backend, which may be restored by now, then run the restore again",
		"",
	},
	{
		apierrors.IsUnauthorized,
		"the credentials of the kubeconfig are not accepted",
		"",
	},
	{
		apierrors.IsForbidden,
		"a restore needs the right to get, list, create and patch everything it restores; an admission rule of the target may also have refused it",
		"",
	},
	{
		isNamespaceMissing,
		"the namespace is not in the restore point: create it in the target",
		"",
	},
	{
		isNetwork,
		"the API server could not be reached: run the restore again, it continues where it stopped",
		"",
	},
}

// isNamespaceMissing reports whether the server misses a namespace of its own, and not an
// object of a custom kind that has the name.
func isNamespaceMissing(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Group == "" && details.Kind == "namespaces"
}

// failureRuleOf returns the first rule that matches, or nil.
func failureRuleOf(err error) *failureRule {
	for i := range failureRules {
		if failureRules[i].matches(err) {
			return &failureRules[i]
		}
	}
	return nil
}

// hintFor returns the next step after err, or "".
func hintFor(err error) string {
	if hint := appbur.HintOf(err); hint != "" {
		return hint
	}
	if rule := failureRuleOf(err); rule != nil {
		return rule.hint
	}
	return ""
}
