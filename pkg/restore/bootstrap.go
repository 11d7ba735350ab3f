package restore

import (
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// bootstrapManagers write the objects that every cluster makes by itself. A field of
// theirs is no user's decision: such an object is in the restore point only
// because a user changed it in the source.
var bootstrapManagers = []string{"kube-apiserver", "api-priority-and-fairness-config-producer-v1"}

// isBootstrapConflict reports whether all fields in the way were written by a
// cluster at its start.
func isBootstrapConflict(err error) bool {
	var status apierrors.APIStatus
	if !isFieldConflict(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	for _, cause := range status.Status().Details.Causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			return false
		}
		_, quoted, _ := strings.Cut(cause.Message, `"`)
		manager, _, _ := strings.Cut(quoted, `"`)
		if !slices.Contains(bootstrapManagers, manager) {
			return false
		}
	}
	return true
}

// grownLists are the lists that the API server adds to, by kind.
var grownLists = map[string]string{
	"ClusterRole": "rules", "Role": "rules", "ClusterRoleBinding": "subjects", "RoleBinding": "subjects",
}

// grownList returns the list of a default role or binding that the API server keeps
// up to date: it adds what its own version needs and leaves what people add.
func grownList(step *Step) string {
	list, grows := grownLists[step.Object.Kind]
	if !grows {
		return "" // without decoding it
	}
	metadata := step.Content.Object()["metadata"]
	if text(metadata, "labels", "kubernetes.io/bootstrapping") != "rbac-defaults" ||
		text(metadata, "annotations", "rbac.authorization.kubernetes.io/autoupdate") != "true" {
		return ""
	}
	return list
}

// errUnseenDefaults stops before a list that cannot be compared is replaced.
var errUnseenDefaults = errors.New("what the target has in this default role cannot be read, " +
	"and the saved list alone could take rights from its controllers")

// withDefaults adds to a default role or binding what the target has in it: an older
// version needs less, and its list alone would take rights from new controllers. Live is
// the object as it is, nil if it could not be read.
func withDefaults(step *Step, content, live map[string]any) (map[string]any, error) {
	key := grownList(step)
	if key == "" || content[key] == nil {
		return content, nil
	}
	if live == nil {
		return nil, errUnseenDefaults
	}

	if holdsAll(list(live, key), list(content, key)) {
		return with(content, list(live, key), key), nil
	}
	merged := slices.Clone(list(content, key))
	for _, element := range list(live, key) {
		if !holdsAll(merged, []any{element}) {
			merged = append(merged, element)
		}
	}
	return with(content, merged, key), nil
}

// holdsAll reports whether every wanted element is among the others.
func holdsAll(elements, wanted []any) bool {
	for _, want := range wanted {
		same := func(element any) bool {
			return len(differences(want, element)) == 0 && len(differences(element, want)) == 0
		}
		if !slices.ContainsFunc(elements, same) {
			return false
		}
	}
	return true
}

// grown returns what is wanted of an object with the list that the target has, if
// that holds all that is wanted.
func grown(step *Step, want, live map[string]any) map[string]any {
	key := grownList(step)
	if key == "" || want[key] == nil || !holdsAll(list(live, key), list(want, key)) {
		return want
	}
	return with(want, live[key], key)
}
