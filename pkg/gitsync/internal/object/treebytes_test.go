package object

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Looking for one name in the bytes of a tree finds what decoding it finds.
func FuzzFindEntry(f *testing.F) {
	f.Add(EncodeTree([]TreeEntry{{Name: "a", Mode: filemode.Regular}, {Name: "ab", Mode: filemode.Dir}}), "ab")
	f.Add(EncodeTree([]TreeEntry{{Name: "a b", Mode: filemode.Regular}}), "b")
	f.Add([]byte("100644 a\x00short"), "a")
	f.Add([]byte("\x00 a"), "a")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		entries, err := DecodeTree(data)
		found, ok, findErr := FindEntry(data, name)
		if err != nil {
			return // a damaged tree: whatever is found lies before the damage
		}
		i := slices.IndexFunc(entries, func(e TreeEntry) bool { return e.Name == name })
		if ok != (i >= 0) || findErr != nil || ok && found != entries[i] {
			t.Errorf("findEntry(%q, %q) = %+v, %v, %v; decoded %+v", data, name, found, ok, findErr, entries)
		}
	})
}

// What is taken off two trees is equal in both, and whole entries.
func FuzzDifferingEntries(f *testing.F) {
	tree := func(names ...string) []byte {
		var entries []TreeEntry
		for _, n := range names {
			entries = append(entries, TreeEntry{Name: n, Mode: filemode.Regular, ID: Hash{n[0]}})
		}
		return EncodeTree(entries)
	}

	f.Add(tree("a", "b", "c"), tree("a", "c"))
	f.Add(tree("a", "xb", "c"), tree("a", "b", "c"))
	f.Add(tree("a"), []byte{})
	f.Add(tree("ab"), tree("b"))

	f.Fuzz(func(t *testing.T, a, b []byte) {
		before, errA := DecodeTree(a)
		after, errB := DecodeTree(b)
		restA, restB := DifferingEntries(a, b)
		if errA != nil || errB != nil {
			return
		}
		oldRest, errA := DecodeTree(restA)
		newRest, errB := DecodeTree(restB)
		if err := errors.Join(errA, errB); err != nil {
			t.Fatalf("%q and %q are cut inside an entry: %v", a, b, err)
		}
		if len(before)-len(oldRest) != len(after)-len(newRest) || bytes.Equal(a, b) != (len(restA)+len(restB) == 0) {
			t.Fatalf("of %q and %q remain %q and %q", a, b, restA, restB)
		}
		// Nothing that only one of them has was taken off.
		for _, side := range []struct{ all, rest, other []TreeEntry }{{before, oldRest, after}, {after, newRest, before}} {
			for _, e := range side.all {
				if !slices.Contains(side.other, e) && !slices.Contains(side.rest, e) {
					t.Fatalf("of %q and %q the entry %+v is lost", a, b, e)
				}
			}
		}
	})
}
