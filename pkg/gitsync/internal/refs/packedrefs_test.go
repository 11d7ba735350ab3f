package refs

import (
	"errors"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

func FuzzPackedRefs(f *testing.F) {
	f.Add([]byte("# pack-refs with: peeled fully-peeled sorted\n4b825dc642cb6eb9a060e54bf8d69288fbee4904 refs/tags/x\n^4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"))
	f.Add([]byte("x refs/heads/main\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		refs, err := parsePackedRefs(data, object.DefaultLimits)
		if err != nil && !errors.Is(err, object.ErrCorrupt) {
			t.Fatalf("%v is not object.ErrCorrupt", err)
		}
		for name, hash := range refs {
			if _, err := object.ParseHash(hash.String()); err != nil || name == "" {
				t.Fatalf("%q: %v", name, err)
			}
		}
	})
}
