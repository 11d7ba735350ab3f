package compat

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/hostile"
	"github.com/appbur/appbur/pkg/manifest"
)

// goldenObjects returns the objects of all golden files: every conversion has one.
func goldenObjects(t testing.TB) []map[string]any {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files (%v)", err)
	}
	var objects []map[string]any
	for _, path := range files {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if object, err := manifest.Decode(f.Data); err == nil && object["kind"] != nil {
				objects = append(objects, object)
			}
		}
	}
	return objects
}

// checkCalm judges and converts for an old and a new target. Whatever comes out is
// fine but a panic, and Judge and Convert must agree.
func checkCalm(t testing.TB, object map[string]any) {
	t.Helper()
	for _, version := range []appbur.KubeVersion{{Major: 1, Minor: 19}, {Major: 1, Minor: 37, Patch: 1}} {
		target := WithSource(WithCRDs(TableTarget(version), []map[string]any{object}), appbur.KubeVersion{Major: 1, Minor: 16})
		verdict := Judge(object, target)
		if strings.Contains(verdict.Reason, "internal error") {
			t.Errorf("judging %v: %s", object, verdict.Reason)
		}
		_, err := Convert(object, verdict, target)
		if errors.Is(err, ErrOtherVerdict) || verdict.Creatable() != (err == nil) {
			t.Errorf("verdict %s, converting: %v", verdict.Kind, err)
		}
	}
}

// TestSpoiledObjects converts objects that are not what their kind says.
func TestSpoiledObjects(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}

	for i, object := range goldenObjects(t) {
		for seed := range seeds {
			checkCalm(t, hostile.Spoil(object, rand.New(rand.NewPCG(seed, uint64(i)))))
		}
	}
}

func FuzzConvert(f *testing.F) {
	for _, object := range goldenObjects(f) {
		data, err := manifest.Encode(object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		object, err := manifest.Decode(data)
		if err != nil {
			return
		}
		checkCalm(t, object)
		checkCalm(t, hostile.Spoil(object, rand.New(rand.NewPCG(seed, 31))))
	})
}
