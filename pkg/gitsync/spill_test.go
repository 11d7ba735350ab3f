package gitsync

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// noise is content that does not compress, another one for every n.
func noise(n, size int) []byte {
	out := make([]byte, 0, size+64)
	for block := 0; len(out) < size; block++ {
		sum := pack.NewChecksum()
		fmt.Fprint(sum, n, block)
		out = sum.Sum(out)
	}
	return out[:size]
}

func unfinishedFiles(t *testing.T, r *Repository) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(r.objects.PackDir(), "appbur_tmp_*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func mustPut(t *testing.T, e *Edit, path string, data []byte) {
	t.Helper()
	if _, err := e.Put(path, data); err != nil {
		t.Fatal(err)
	}
}

// New content beyond the bound lies in the unfinished pack, is read from there,
// and becomes one pack with the rest.
func TestContentIsSpilled(t *testing.T) {
	r := testRepository(t)
	r.spillSize = 64 << 10
	e, err := r.Edit(Hash{})
	if err != nil {
		t.Fatal(err)
	}

	const files = 40
	for i := range files {
		mustPut(t, e, fmt.Sprint("dir/", i%7, "/", i), noise(i, 10<<10))
		mustPut(t, e, fmt.Sprint("same/", i), noise(i%3, 10<<10))
		if e.spill.size > r.spillSize {
			t.Fatalf("%d bytes are held", e.spill.size)
		}
	}

	mustPut(t, e, "dir/0/0", []byte("replaced"))
	if removed, err := e.RemoveAll("dir/1"); err != nil || !removed {
		t.Fatal(removed, err)
	}
	if e.spill.pack == nil || len(unfinishedFiles(t, r)) != 1 {
		t.Fatal("nothing was spilled")
	}

	for i := range files {
		data, err := e.ReadFile(fmt.Sprint("same/", i))
		if err != nil || !bytes.Equal(data, noise(i%3, 10<<10)) {
			t.Fatalf("same/%d: %v", i, err)
		}
	}

	// Another writer, and a look for what is abandoned, leave a living edit alone.
	if err := pack.RemoveAbandoned(r.objects.PackDir()); err != nil || len(unfinishedFiles(t, r)) != 1 {
		t.Fatal("the unfinished pack of a living edit was taken away", err)
	}
	head, err := r.Commit(t.Context(), MainRef, e, CommitInfo{Subject: "spilled", Time: epoch})
	if err != nil {
		t.Fatal(err)
	}

	if packs := r.objects.Own(); len(packs) != 1 || len(unfinishedFiles(t, r)) != 0 {
		t.Errorf("%d packs, %v", len(packs), unfinishedFiles(t, r))
	}
	s, err := r.Snapshot(head)
	if err != nil {
		t.Fatal(err)
	}

	for i := range files {
		data, err := s.ReadFile(fmt.Sprint("dir/", i%7, "/", i))
		switch {
		case i%7 == 1:
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("dir/1/%d: %v", i, err)
			}
		case i > 0 && (err != nil || !bytes.Equal(data, noise(i, 10<<10))):
			t.Errorf("%d: %v", i, err)
		}
	}

	if out, err := exec.Command("git", "-C", r.Dir(), "fsck", "--strict", "--no-dangling").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("fsck: %v %s", err, out)
	}

	// The edit goes on; what is borrowed is not written again.
	if err := e.Borrow(head, "dir/5"); err != nil {
		t.Fatal(err)
	}
	mustPut(t, e, "again", noise(5, 10<<10))

	before := e.spill.size
	if before != 0 {
		t.Errorf("%d bytes are held of content that the repository has", before)
	}
	if _, err := r.Commit(t.Context(), MainRef, e, CommitInfo{Subject: "again", Time: epoch}); err != nil {
		t.Fatal(err)
	}
	if size, err := r.objects.Own()[1].Bytes(); err != nil || size > 2<<10 {
		t.Errorf("the second pack has %d bytes, %v", size, err)
	}
}

// A ref that cannot be moved leaves an edit that can be committed once it can.
func TestSpilledEditSurvivesFailedCommit(t *testing.T) {
	r := testRepository(t)
	r.spillSize = 16 << 10
	e, err := r.Edit(Hash{})
	if err != nil {
		t.Fatal(err)
	}

	for i := range 10 {
		mustPut(t, e, fmt.Sprint(i), noise(i, 10<<10))
	}
	lock := filepath.Join(r.Dir(), MainRef+".lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	info := CommitInfo{Subject: "c", Time: epoch}
	r.lockWait, r.refs.LockWait = time.Millisecond, time.Millisecond

	if _, err := r.Commit(t.Context(), MainRef, e, info); !errors.Is(err, ErrLocked) {
		t.Fatalf("%v, want ErrLocked", err)
	}
	if data, err := e.ReadFile("3"); err != nil || !bytes.Equal(data, noise(3, 10<<10)) {
		t.Errorf("after the failure: %v", err)
	}

	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	mustPut(t, e, "more", noise(99, 10<<10))
	if _, err := r.Commit(t.Context(), MainRef, e, info); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "-C", r.Dir(), "fsck", "--strict", "--no-dangling").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("fsck: %v %s", err, out)
	}
}

// What an edit leaves when it is given up or forgotten does not stay.
func TestAbandonedSpillIsRemoved(t *testing.T) {
	r := testRepository(t)
	r.spillSize = 1 << 10

	spilled := func() *Edit {
		e, err := r.Edit(Hash{})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, e, "file", noise(1, 10<<10))
		return e
	}

	e := spilled()
	e.Discard()
	if left := unfinishedFiles(t, r); len(left) > 0 {
		t.Errorf("discarded, and yet there is %v", left)
	}
	if _, err := e.Put("file", []byte("x")); err == nil {
		t.Error("a discarded edit takes content")
	}
	spilled()

	for range 100 {
		runtime.GC() // closes the file of the edit that nobody has any more
		if err := pack.RemoveAbandoned(r.objects.PackDir()); err != nil {
			t.Fatal(err)
		}
		if len(unfinishedFiles(t, r)) == 0 {
			break
		}
	}

	// As a dead process leaves it: no lock.
	dead := filepath.Join(r.objects.PackDir(), pack.UnfinishedPack+"_dead")
	if err := os.WriteFile(dead, []byte(strings.Repeat("x", 100)), 0o600); err != nil {
		t.Fatal(err)
	}

	next, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if err := testCommit(t, next, "1"); err != nil {
		t.Fatal(err)
	}
	if left := unfinishedFiles(t, r); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func FuzzMtimes(f *testing.F) {
	f.Add(pack.EncodeSideFile(pack.MtimesMagic, []uint32{1, 2}, make([]byte, pack.HashSize)), 2)
	f.Add([]byte(pack.MtimesMagic), 0)
	f.Fuzz(func(t *testing.T, data []byte, count int) {
		words, err := pack.ParseMtimes(data, max(0, count%(1<<20)))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		if len(words) != count%(1<<20) {
			t.Fatal("another number of times than objects")
		}
	})
}
