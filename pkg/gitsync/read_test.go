package gitsync_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// readAll collects what ReadAll emits.
func readAll(ctx context.Context, s *gitsync.Snapshot, path string) (map[string]string, error) {
	var mu sync.Mutex
	files := map[string]string{}
	err := s.ReadAll(ctx, path, func(path string, data []byte) error {
		mu.Lock()
		defer mu.Unlock()
		files[path] = string(data)
		return nil
	})
	return files, err
}

// history makes commits that change one line of a large file, so that stock git
// finds deltas.
func history(t *testing.T, r *gitsync.Repository, n int) (gitsync.Hash, map[string]string) {
	t.Helper()
	e := edit(t, r, gitsync.Hash{})
	var head gitsync.Hash
	files := map[string]string{}
	for i := range n {
		for f := range 3 {
			path := fmt.Sprintf("dir%d/file.yaml", f)
			files[path] = strings.Repeat(fmt.Sprintf("a line of file %d that stays as it is\n", f), 200) + fmt.Sprint(i)
			put(t, e, path, files[path])
		}
		head = commit(t, r, e, fmt.Sprint(i))
	}
	return head, files
}

// What stock git does to a repository while it is open goes unnoticed.
func TestReadingSurvivesStockMaintenance(t *testing.T) {
	r := newRepository(t)
	head, want := history(t, r, 12)

	for _, step := range [][]string{
		{"pack-refs", "--all"},
		{"repack", "-a", "-d", "-f", "-q", "--depth=50"},
		{"gc", "-q", "--aggressive", "--prune=now"},
		{"unpack-packs"},
		{"repack", "-a", "-d", "-q"},
	} {
		if step[0] == "unpack-packs" {
			unpack(t, r.Dir())
		} else {
			git(t, r.Dir(), step...)
		}
		if diff := cmp.Diff(want, contents(t, r, head)); diff != "" {
			t.Fatalf("after %v one by one (-want +got):\n%s", step, diff)
		}
		got, err := readAll(t.Context(), snapshot(t, r, head), "")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("after %v all: %v (-want +got):\n%s", step, err, diff)
		}
		e := edit(t, r, head)
		want["dir0/file.yaml"] = strings.Join(step, " ")
		put(t, e, "dir0/file.yaml", want["dir0/file.yaml"])
		head = commit(t, r, e, step[0])
	}

	fsck(t, r.Dir())
}

// unpack turns all packs into loose objects.
func unpack(t *testing.T, dir string) {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pack := range packs {
		data, err := os.ReadFile(pack)
		if err != nil {
			t.Fatal(err)
		}
		// git does not unpack what it finds in a pack already.
		for _, suffix := range []string{".pack", ".idx", ".rev", ".bitmap"} {
			if err := os.Remove(strings.TrimSuffix(pack, ".pack") + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		gitIn(t, dir, string(data), "unpack-objects", "-q")
	}
}

// Readers and a writer at the same time; the race detector watches.
func TestReadingWhileWriting(t *testing.T) {
	r := newRepository(t)
	head, want := history(t, r, 2)
	done := make(chan struct{})
	var readers sync.WaitGroup

	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s, err := r.Snapshot(head)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := readAll(t.Context(), s, ""); err != nil || len(got) != len(want) {
					t.Errorf("%d files, %v", len(got), err)
				}
				if _, err := s.ReadFile("dir0/file.yaml"); err != nil {
					t.Error(err)
				}
				if _, err := r.Tip(gitsync.MainRef); err != nil {
					t.Error(err)
				}
			}
		})
	}

	e := edit(t, r, head)
	for i := range 20 {
		put(t, e, "counter", fmt.Sprint(i))
		commit(t, r, e, "count")
	}

	close(done)
	readers.Wait()
}

func TestReadAllEndsEarly(t *testing.T) {
	r := newRepository(t)
	head, want := history(t, r, 1)
	s := snapshot(t, r, head)
	stop := errors.New("stop")
	if err := s.ReadAll(t.Context(), "", func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("emit's error became %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()

	if _, err := readAll(ended, s, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	got, err := readAll(t.Context(), s, "dir1")
	if diff := cmp.Diff(map[string]string{"dir1/file.yaml": want["dir1/file.yaml"]}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := readAll(t.Context(), s, "none"); len(got) > 0 || err != nil {
		t.Errorf("nothing: %v, %v", got, err)
	}

	for _, path := range []string{"none", "dir1", "dir1/file.yaml/below"} {
		if _, err := s.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want fs.ErrNotExist", path, err)
		}
	}
}

// A byte of a pack that is damaged is an error or makes no difference; it is
// never other content.
func TestDamagedPacksAreNoticed(t *testing.T) {
	r := newRepository(t)
	head, want := history(t, r, 3)
	git(t, r.Dir(), "repack", "-a", "-d", "-f", "-q")
	pack := glob(t, r, "*.pack")[0]
	data, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(pack, 0o600); err != nil {
		t.Fatal(err)
	}
	noticed := 0

	for i := 0; i < len(data); i += 3 {
		data[i] ^= 0x10
		if err := os.WriteFile(pack, data, 0o600); err != nil {
			t.Fatal(err)
		}
		data[i] ^= 0x10
		damaged, err := gitsync.Open(r.Dir())
		if err != nil {
			t.Fatal(err)
		}
		s, err := damaged.Snapshot(head)
		if err == nil {
			var got map[string]string
			if got, err = readAll(t.Context(), s, ""); err == nil && cmp.Diff(want, got) != "" {
				t.Fatalf("byte %d: other content and no error", i)
			}
		}
		if err != nil {
			noticed++
			if !errors.Is(err, gitsync.ErrCorrupt) {
				t.Errorf("byte %d: %v is not ErrCorrupt", i, err)
			}
		}
	}

	if noticed == 0 {
		t.Error("no damage was noticed")
	}
}

func TestMissingObjects(t *testing.T) {
	r := newRepository(t)
	none := hash(t, strings.Repeat("1", 40))
	if _, err := r.ReadCommit(none); !errors.Is(err, gitsync.ErrObjectNotFound) {
		t.Errorf("commit: %v", err)
	}
	if _, err := r.Edit(none); !errors.Is(err, gitsync.ErrObjectNotFound) {
		t.Errorf("edit: %v", err)
	}
	if _, err := r.Tip(gitsync.MainRef); !errors.Is(err, gitsync.ErrRefNotFound) {
		t.Errorf("tip: %v", err)
	}
	for _, ref := range []string{"main", "refs/heads/../x", "refs/heads/a.lock", ""} {
		if _, err := r.Tip(ref); err == nil {
			t.Errorf("tip of %q", ref)
		}
	}
}

func TestRepositoriesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	var none *gitsync.NotRepositoryError
	if _, err := gitsync.Open(dir); !errors.Is(err, gitsync.ErrNoRepository) || !errors.As(err, &none) || none.Dir != dir || none.Worktree {
		t.Errorf("empty directory: %v", err)
	}
	git(t, dir, "init", "-q")
	if _, err := gitsync.Open(dir); !errors.Is(err, gitsync.ErrNoRepository) || !strings.Contains(appbur.HintOf(err), "--bare") {
		t.Errorf("worktree: %v, hint %q", err, appbur.HintOf(err))
	}

	if _, err := gitsync.Init(dir); !errors.Is(err, gitsync.ErrExists) {
		t.Errorf("init over something: %v", err)
	}
	sha256 := filepath.Join(dir, "sha256.git")
	git(t, dir, "init", "-q", "--bare", "--object-format=sha256", sha256)
	if _, err := gitsync.Open(sha256); !errors.Is(err, gitsync.ErrUnsupported) {
		t.Errorf("SHA-256: %v", err)
	}

	// What stock git makes is opened.
	stock := filepath.Join(dir, "stock.git")
	git(t, dir, "init", "-q", "--bare", stock)
	if _, err := gitsync.Open(stock); err != nil {
		t.Error(err)
	}

	// An empty directory becomes a repository, with nothing left beside it.
	empty := filepath.Join(dir, "parent", "empty")
	if err := os.MkdirAll(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := gitsync.Init(empty); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(empty)); err != nil || len(entries) != 1 {
		t.Errorf("left beside the repository: %v, %v", entries, err)
	}
}
