package refs

import (
	"maps"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// What is written back is what was there, without what is gone, and nothing else
// changes, not even order and comments.
func FuzzWithoutPacked(f *testing.F) {
	const a, b = "0123456789abcdef0123456789abcdef01234567", "fedcba9876543210fedcba9876543210fedcba98"
	f.Add([]byte("# pack-refs with: peeled fully-peeled sorted \n"+a+" refs/heads/main\n"+a+" refs/tags/x\n^"+b+"\n"+b+" refs/tags/y\n"),
		"refs/tags/x")
	f.Add([]byte(a+" refs/tags/x\n"+b+" refs/tags/x\n"), "refs/tags/x")
	f.Add([]byte(a+" refs/tags/x"), "refs/tags/y")
	f.Add([]byte("^"+a+"\n\n"), "")

	f.Fuzz(func(t *testing.T, data []byte, name string) {
		before, err := parsePackedRefs(data, object.DefaultLimits)
		if err != nil {
			return
		}
		rest, dropped := withoutPacked(data, map[string]object.Hash{name: {}})
		if !dropped && string(rest) != string(data) {
			t.Fatalf("%q became %q, and nothing was dropped", data, rest)
		}
		after, err := parsePackedRefs(rest, object.DefaultLimits)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, rest, err)
		}
		delete(before, name)
		if !maps.Equal(before, after) {
			t.Fatalf("%q became %q", data, rest)
		}
	})
}
