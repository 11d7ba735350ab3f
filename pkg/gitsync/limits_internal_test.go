package gitsync

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// packOfDelta is a pack of a blob and a delta on it, made by hand because no program
// writes such a delta.
func packOfDelta(t *testing.T, base, delta []byte) []byte {
	t.Helper()
	out := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), 2)
	add := func(kind plumbing.ObjectType, before, data []byte) object.Hash {
		o, err := pack.NewObject(plumbing.BlobObject, data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(append(out, pack.EntryHeader(kind, len(data))...), before...), o.Zlib...)
		return o.ID
	}

	id := add(plumbing.BlobObject, nil, base)
	add(plumbing.REFDeltaObject, id[:], delta)
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// A clone has no settings yet. What the remote sends is looked at before it is inflated.
func TestACloneTakesNothingTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r, err := Init(filepath.Join(t.TempDir(), "there.git"))
	if err != nil {
		t.Fatal(err)
	}
	git := func(stdin []byte, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-C", r.Dir()}, args...)...)
		cmd.Stdin = bytes.NewReader(stdin)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	const block = 0x10000
	size := int(object.DefaultLimits.Object + block)
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, block), uint64(size))
	git(packOfDelta(t, make([]byte, block), append(delta, bytes.Repeat([]byte{0x80}, size/block)...)), "index-pack", "--stdin")
	var list strings.Builder
	for i, id := range strings.Fields(git(nil, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")) {
		fmt.Fprintf(&list, "100644 blob %s\tn%d\n", id, i)
	}
	tree := git([]byte(list.String()), "mktree")
	git(nil, "update-ref", MainRef, git(nil, "commit-tree", "-m", "x", tree))

	url, err := ParseRemoteURL(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "here.git")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err = Clone(t.Context(), target, Remote{Name: "origin", URL: url}, MainRef, "", RemoteOptions{})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(appbur.HintOf(err), "git clone --mirror") {
		t.Errorf("%v, hint %q", err, appbur.HintOf(err))
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("%d bytes of memory for %d", took, size)
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("a clone that failed was left")
	}
}

// hostileTrees gives the same bytes for every tree that is asked for.
type hostileTrees []byte

func (h hostileTrees) Tree(id Hash) ([]byte, error) {
	if id == object.EmptyTree {
		return nil, nil
	}
	return h, nil
}

// FuzzTreeLimits compares trees that nobody vouches for: the list of changes keeps to
// the limit, however few trees lead to many files.
func FuzzTreeLimits(f *testing.F) {
	f.Add(object.EncodeTree([]object.TreeEntry{{Name: "a", Mode: filemode.Dir}, {Name: "b", Mode: filemode.Regular}}))
	limits := object.DefaultLimits
	limits.Files, limits.Depth = 500, 8

	f.Fuzz(func(t *testing.T, data []byte) {
		var changes []Change
		err := newDiffer(hostileTrees(data), limits).trees("", object.EmptyTree, Hash{1}, &changes)
		if int64(len(changes)) > limits.Files {
			t.Errorf("%d changes, %v", len(changes), err)
		}
	})
}
