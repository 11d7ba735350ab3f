package repository

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Names that are too long for a file are saved, found again, and stock git checks
// them out.
func TestLongNamesAreSaved(t *testing.T) {
	f := newFixture(t)
	writer := f.begin()
	group := strings.Repeat("g", 63) + "." + strings.Repeat("h", 63) + "." + strings.Repeat("i", 63) + "." + strings.Repeat("j", 50)
	objects := []map[string]any{
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": strings.Repeat("a", 253), "namespace": "long"}},
		{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": strings.Repeat("a", 253), "namespace": "long"},
			"data": map[string]any{"a": "YQ=="},
		},
		{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": map[string]any{"name": strings.Repeat("Team:", 400)}},
		{"apiVersion": group + "/v1", "kind": strings.Repeat("K", 63), "metadata": map[string]any{"name": "x", "namespace": "long", "uid": "u"}},
	}
	index := map[appbur.ObjectID]manifest.Entry{}
	for _, object := range objects {
		result, err := f.rules().Make(object)
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Put(result); err != nil {
			t.Fatal(err)
		}
		index[result.Manifest.ID] = result.Entry
	}
	outcome, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{})
	if err != nil || outcome.Objects != len(objects) {
		t.Fatalf("%+v, %v", outcome, err)
	}

	ref := f.savePoint(outcome, index)
	loaded, err := f.repo.Load(t.Context(), ref, f.opener())
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range loaded.Objects {
		if _, known := index[object.ID]; !known {
			t.Errorf("%s is none of the objects", object.ID)
		}
		if _, known := loaded.Index[object.ID]; !known {
			t.Errorf("%s has no index entry", object.ID)
		}
	}

	f.git("worktree", "add", path.Join(t.TempDir(), "out"), ref.Commit.String())
}

// An object that cannot be saved is told as that, and costs nothing else.
func TestAnObjectThatCannotBeSaved(t *testing.T) {
	f := newFixture(t)
	f.backup()
	writer := f.begin()
	file := fixtureObjects()[2]
	sealedItself, err := f.rules().Make(map[string]any{
		"apiVersion": "example.org/v1", "kind": "Odd", "metadata": map[string]any{"name": "sealed", "namespace": "team"},
		"sops": map[string]any{"mac": "x"}, "spec": map[string]any{"a": "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	sealedItself.Manifest.Sensitive, sealedItself.Manifest.SecretPaths = true, [][]string{{"spec"}}
	failed, _ := f.rules().Make(file)
	failed = manifest.Result{Manifest: manifest.Manifest{ID: failed.Manifest.ID}, Failure: errors.New("no")}

	var one *appbur.ObjectError
	for _, result := range []manifest.Result{sealedItself, failed} {
		if err := writer.Put(result); !errors.As(err, &one) || one.ID != result.Manifest.ID {
			t.Errorf("%s: %v", result.Manifest.ID, err)
		}
	}
	if writer.Changed() {
		t.Error("what could not be saved changed something")
	}
}
