package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/history"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/restore"
)

// Rooms below say what is wrong; the command line says which flag or command is the cure.
func TestHintsNameTheFlag(t *testing.T) {
	foreignFields := apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict}}, "conflict with x")
	immutable := apierrors.NewInvalid(schema.GroupKind{Kind: "X"}, "x", field.ErrorList{
		field.Invalid(field.NewPath("data"), nil, "field is immutable"),
	})
	lost := func(sought history.Sought) error { return &history.NotFoundError{Sought: sought} }

	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"another cluster":    {exporter.ErrOtherCluster, "--adopt-cluster"},
		"blocked objects":    {restore.ErrBlocked, "appbur plan"},
		"fields of others":   {foreignFields, "--conflicts force to take them over"},
		"a fixed field":      {immutable, "--replace-immutable"},
		"it differs":         {restore.ErrDiffers, "--conflicts force to bring it to the restore point"},
		"an unknown field":   {errors.New("failed to create typed patch object (x): field not declared in schema"), "appbur plan"},
		"no address":         {&restore.NotConnectedError{App: appbur.AppKey{Namespace: "team", Name: "notes"}}, "--app team/notes=ADDRESS"},
		"no Service":         {services.ErrNoService, "the label appbur.io/app"},
		"no ready pod":       {services.ErrNotReady, "--app-wait"},
		"no object":          {lost(history.SoughtObject), "`appbur log` without an object"},
		"no object then":     {lost(history.SoughtState), "`appbur log` for the object"},
		"no namespace":       {lost(history.SoughtNamespace), "`appbur log namespaces`"},
		"no commit":          {lost(history.SoughtCommit), "`appbur log` shows the commits"},
		"before the first":   {lost(history.SoughtParent), "`appbur log` shows what there is"},
		"no repository":      {&gitsync.NotRepositoryError{Dir: "/x"}, "appbur init /x"},
		"a full disk":        {&gitsync.NoSpaceError{Dir: "/x"}, "free space below /x: `appbur points delete`"},
		"full for deletions": {&gitsync.NoSpaceError{Dir: "/x", Deleting: true}, "--prune-expire 0s` frees what needs no room"},
		"full for a prune":   {&gitsync.NoSpaceError{Dir: "/x", Need: 7}, "make 7 bytes of room"},
		"no remote":          {fmt.Errorf("%w %q %w", gitsync.ErrRemoteName, "x", gitsync.ErrNoRemote), "`appbur remotes list`"},
		"no TLS":             {gitsync.ErrPlaintext, "--allow-plaintext"},
		"diverged":           {&gitsync.RemoteError{State: gitsync.RemoteDiverged}, "`appbur clone`"},
		"an old copy":        {&gitsync.RemoteError{State: gitsync.RemoteAhead}, "`appbur clone`"},
		"several namespaces": {&history.AmbiguousError{Namespaces: []string{"a", "b"}}, "say which with -n: a, b"},
		"several kinds":      {&history.AmbiguousError{Kinds: []string{"Pod", "Pod.metrics.k8s.io"}}, "say which: Pod, Pod.metrics.k8s.io"},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := appbur.WithHint(fmt.Errorf("restoring: %w", test.err), "what a library says")
			if got := hintOf(wrapped); !strings.Contains(got, test.want) {
				t.Errorf("hint %q, want %q", got, test.want)
			}
		})
	}

	// Two elements of one key are reported in the same words and have another cure.
	twice := errors.New("failed to create typed patch object (x): duplicate entries for key [name]")
	if got := ownHint(twice); got != "" {
		t.Errorf("elements of one key: %q", got)
	}
}
