package manifest_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/hostile"
	"github.com/appbur/appbur/pkg/manifest"
)

// TestHostileObjects makes manifests of objects that are not what their kind says,
// and takes those manifests through the rules again.
func TestHostileObjects(t *testing.T) {
	fields, err := filepath.Glob("testdata/fields/*.txtar")
	if err != nil || len(fields) == 0 {
		t.Fatalf("no examples of field rules (%v)", err)
	}
	var files []txtar.File
	for _, path := range append(fields, "testdata/objects.txtar") {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, archive.Files...)
	}

	rules := manifest.Default()
	for i, f := range files {
		object, err := manifest.Decode(f.Data)
		if err != nil || object["kind"] == nil {
			continue // what the rules should make of an object
		}
		for seed := range uint64(60) {
			spoiled := hostile.Spoil(object, rand.New(rand.NewPCG(seed, uint64(i))))
			result, err := rules.Make(spoiled)
			calm(t, err)
			_, err = rules.Explain(spoiled)
			calm(t, err)
			if result.Decision.Saved && len(result.Manifest.Data) == 0 {
				t.Errorf("%s, seed %d: saved without a manifest", f.Name, seed)
			}
		}
	}
}

func calm(t *testing.T, err error) {
	t.Helper()
	var panicked *appbur.PanicError
	if errors.As(err, &panicked) {
		t.Error(err)
	}
}
