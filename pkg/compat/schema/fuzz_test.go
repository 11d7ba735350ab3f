package schema_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur/internal/hostile"
	"github.com/appbur/appbur/pkg/compat/schema"
	"github.com/appbur/appbur/pkg/manifest"
)

// checkCalm judges an object by a definition. Any answer is fine but a panic and one
// that claims both to have judged and not to.
func checkCalm(t testing.TB, crd, object map[string]any) {
	t.Helper()
	opinion := schema.New([]map[string]any{crd}, v137).Check(object)
	if opinion.Known == (opinion.Unchecked != "") && opinion.Known {
		t.Errorf("judged and unchecked at once: %+v", opinion)
	}
	if strings.Contains(opinion.Unchecked, "internal error") {
		t.Errorf("a panic: %s", opinion.Unchecked)
	}
}

// TestSpoiled judges objects and definitions that are not what they seem.
func TestSpoiled(t *testing.T) {
	t.Parallel()
	for i, file := range cases(t) {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd, objects := read(t, archive)
		for seed := range uint64(40) {
			luck := rand.New(rand.NewPCG(seed, uint64(i)))
			checkCalm(t, crd, hostile.Spoil(objects[0], luck))
			checkCalm(t, hostile.Spoil(crd, luck), objects[len(objects)-1])
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, file := range cases(f) {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, object := range archive.Files[1:] {
			if strings.HasSuffix(object.Name, ".yaml") {
				f.Add(archive.Files[0].Data, object.Data, uint64(1))
			}
		}
	}

	f.Fuzz(func(t *testing.T, definition, content []byte, seed uint64) {
		crd, err := manifest.Decode(definition)
		if err != nil {
			return
		}
		object, err := manifest.Decode(content)
		if err != nil {
			return
		}
		checkCalm(t, crd, object)
		luck := rand.New(rand.NewPCG(seed, 7))
		checkCalm(t, hostile.Spoil(crd, luck), hostile.Spoil(object, luck))
	})
}
