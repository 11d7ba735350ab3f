package restore

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A custom kind may be called Namespace, too.
func TestHintOfAMissingNamespace(t *testing.T) {
	for group, want := range map[string]bool{"": true, "mesh.example.com": false} {
		err := apierrors.NewNotFound(schema.GroupResource{Group: group, Resource: "namespaces"}, "x")
		if got := strings.Contains(hintFor(err), "create it in the target"); got != want {
			t.Errorf("group %q: hint %q", group, hintFor(err))
		}
	}
}
