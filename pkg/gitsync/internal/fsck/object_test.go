package fsck

import (
	"bytes"
	"slices"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// A tree without a fault is exactly what would be written of its entries.
func FuzzCheckTree(f *testing.F) {
	id := object.Hash(bytes.Repeat([]byte{0x11}, 20))
	f.Add(object.EncodeTree([]object.TreeEntry{{Name: "a.b", Mode: filemode.Regular, ID: id}, {Name: "a", Mode: filemode.Dir, ID: id}}))
	f.Add(append([]byte("0100644 a\x00"), id[:]...))
	f.Add([]byte("100644 a\x00short"))
	f.Add([]byte{})

	f.Fuzz(func(t *testing.T, data []byte) {
		links, faults := checkTree(data)
		if len(faults) > 0 {
			return
		}
		entries, err := object.DecodeTree(data)
		if err != nil {
			t.Fatalf("a tree without a fault cannot be read: %v", err)
		}
		if !bytes.Equal(object.EncodeTree(slices.Clone(entries)), data) {
			t.Errorf("%q is found in order and would be written otherwise", data)
		}
		if len(links) > len(entries) {
			t.Errorf("%d links of %d entries", len(links), len(entries))
		}
	})
}

// A commit or a tag without a fault can be read, and names what it refers to.
func FuzzCheckCommitAndTag(f *testing.F) {
	const id = "1111111111111111111111111111111111111111"
	f.Add([]byte("tree " + id + "\nparent " + id + "\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n"))
	f.Add([]byte("object " + id + "\ntype commit\ntag x\ntagger a <a@b> 1 +0000\n\nx\n"))
	f.Add([]byte("tree " + id))
	f.Add([]byte("object " + id + "\ntype thing\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if links, faults := checkCommit(data, false); len(faults) == 0 {
			c, err := object.ParseCommit(data)
			if err == nil && len(links) != 1+len(c.Parents) {
				t.Errorf("%d links of a commit with %d parents: %q", len(links), len(c.Parents), data)
			}
		}
		if links, faults := checkTag(data); len(faults) == 0 && len(links) != 1 {
			t.Errorf("a tag of %d objects: %q", len(links), data)
		}
	})
}

// Whatever lies in an index file, what is read of it is inside it.
func FuzzReadIndex(f *testing.F) {
	objects := []pack.IndexEntry{
		{ID: object.Hash(bytes.Repeat([]byte{0x11}, 20)), Offset: 12},
		{ID: object.Hash(bytes.Repeat([]byte{0x22}, 20)), Offset: 1 << 33},
	}
	good := pack.EncodeIndex(objects, make([]byte, pack.HashSize))
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte{0x22}, []byte{0x00}, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, problem := readIndex(data)
		if problem != "" {
			return
		}
		again := pack.EncodeIndex(slices.Clone(read), data[len(data)-pack.ChecksumSize:len(data)-pack.HashSize])
		if len(again) == len(data) && !bytes.Equal(again, data) && !hasLarge(read) {
			t.Errorf("an index without a fault would be written otherwise")
		}
	})
}

// hasLarge reports whether an index has a second table, whose order is free.
func hasLarge(objects []pack.IndexEntry) bool {
	return slices.ContainsFunc(objects, func(o pack.IndexEntry) bool { return o.Offset >= pack.LargeOffset })
}
