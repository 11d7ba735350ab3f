package gitsync_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/gitsync"
)

// grow makes commits of one changed file each and returns them.
func grow(t testing.TB, r *gitsync.Repository, files, commits int) []gitsync.Hash {
	t.Helper()
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil && !errors.Is(err, gitsync.ErrRefNotFound) {
		t.Fatal(err)
	}
	e := edit(t, r, tip)
	var made []gitsync.Hash
	if tip.IsZero() {
		fill(t, e, files)
		made = append(made, commit(t, r, e, "initial"))
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for n := range commits {
		path, data := manifest(random.IntN(files))
		put(t, e, path, strings.Replace(string(data), "data:\n", fmt.Sprintf("data:\n  revision: \"%d\"\n", random.Uint64()), 1))
		made = append(made, commit(t, r, e, fmt.Sprint("change ", n)))
	}
	return made
}

func maintain(t testing.TB, r *gitsync.Repository, o gitsync.MaintainOptions) gitsync.MaintainReport {
	t.Helper()
	report, err := r.Maintain(t.Context(), o)
	if err != nil {
		t.Fatalf("maintain: %v", err)
	}
	return report
}

// contentsOfAll is what every commit holds.
func contentsOfAll(t testing.TB, r *gitsync.Repository, commits []gitsync.Hash) map[gitsync.Hash]map[string]string {
	t.Helper()
	all := map[gitsync.Hash]map[string]string{}
	for _, h := range commits {
		all[h] = contents(t, r, h)
	}
	return all
}

func TestMaintainKeepsEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	commits := grow(t, r, 60, 70)
	for round := range 3 {
		before := contentsOfAll(t, r, commits)
		// What stock git leaves loose is taken in.
		loose := gitIn(t, r.Dir(), fmt.Sprint("loose ", round), "hash-object", "-w", "--stdin")
		report := maintain(t, r, gitsync.MaintainOptions{})
		if report.Loose != 1 || report.Deltas == 0 || report.PacksAfter > 2 || report.BytesAfter >= report.BytesBefore {
			t.Errorf("round %d: %+v", round, report)
		}
		fsck(t, r.Dir())
		if got := git(t, r.Dir(), "cat-file", "blob", loose); got != fmt.Sprint("loose ", round) {
			t.Errorf("the loose object is %q", got)
		}
		reopened, err := gitsync.Open(r.Dir())
		if err != nil {
			t.Fatal(err)
		}
		for _, reader := range []*gitsync.Repository{r, reopened} {
			if diff := cmp.Diff(before, contentsOfAll(t, reader, commits)); diff != "" {
				t.Fatalf("round %d: history changed:\n%s", round, diff)
			}
		}
		if again := maintain(t, r, gitsync.MaintainOptions{}); again.Rewritten != 0 {
			t.Errorf("round %d: nothing to do, and yet %+v", round, again)
		}
		commits = append(commits, grow(t, r, 60, 40+round)...)
	}
	report := maintain(t, r, gitsync.MaintainOptions{Full: true})
	if report.PacksAfter != 1 {
		t.Errorf("full: %+v", report)
	}
	fsck(t, r.Dir())
	clone := filepath.Join(t.TempDir(), "clone.git")
	git(t, ".", "clone", "-q", "--bare", "file://"+r.Dir(), clone)
	fsck(t, clone)
	// Packs of stock git, with its own deltas and whatever lies beside them.
	git(t, r.Dir(), "repack", "-adfq", "--write-bitmap-index")
	git(t, r.Dir(), "multi-pack-index", "write")
	before := contentsOfAll(t, r, commits)
	grow(t, r, 60, 3)
	maintain(t, r, gitsync.MaintainOptions{Full: true})
	fsck(t, r.Dir())
	git(t, r.Dir(), "multi-pack-index", "write")
	git(t, r.Dir(), "fsck", "--full")
	for h, files := range before {
		if diff := cmp.Diff(files, contents(t, r, h)); diff != "" {
			t.Fatalf("after stock git: %s", diff)
		}
	}
	if left := glob(t, r, "tmp_*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Hundreds of commits leave some dozens of packs, without any maintenance.
func TestPacksStayFew(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	commits := grow(t, r, 20, 400)
	if n := len(glob(t, r, "*.pack")); n > 48 {
		t.Errorf("%d packs after %d commits", n, len(commits))
	}
	fsck(t, r.Dir())
	if got := strings.Count(git(t, r.Dir(), "rev-list", "main"), "\n") + 1; got != len(commits) {
		t.Errorf("%d commits, want %d", got, len(commits))
	}
	report := maintain(t, r, gitsync.MaintainOptions{})
	if report.PacksAfter > 2 {
		t.Errorf("%+v", report)
	}
	fsck(t, r.Dir())
}

// Readers and writers, of this package and of stock git, see nothing of a
// maintenance that goes on all the time.
func TestMaintenanceBesideReadersAndWriters(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	first := grow(t, r, 200, 10)
	want := contents(t, r, first[0])
	stop := make(chan struct{})

	var workers sync.WaitGroup
	work := func(step func() error) {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := step(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}

	other, err := gitsync.Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}

	for _, reader := range []*gitsync.Repository{r, other} {
		work(func() error {
			s, err := reader.Snapshot(first[0])
			if err != nil {
				return err
			}
			got, err := readAll(t.Context(), s, "")
			if err == nil && !cmp.Equal(got, want) {
				err = errors.New("a reader saw something else")
			}
			return err
		})
	}

	maintained := 0
	work(func() error {
		maintained++
		_, err := other.Maintain(t.Context(), gitsync.MaintainOptions{Full: maintained%2 == 0})
		if errors.Is(err, gitsync.ErrLocked) {
			err = nil // a writer rolls up this moment
		}
		return err
	})

	clones := t.TempDir()
	work(func() error {
		clone := filepath.Join(clones, "clone.git")
		if out, err := tryGit(".", "", "clone", "-q", "--bare", "file://"+r.Dir(), clone); err != nil {
			return fmt.Errorf("clone: %w: %s", err, out)
		}
		return os.RemoveAll(clone)
	})

	commits := grow(t, r, 200, 50)
	close(stop)
	workers.Wait()
	t.Logf("%d maintenances", maintained)
	fsck(t, r.Dir())
	if got := strings.Count(git(t, r.Dir(), "rev-list", "main"), "\n") + 1; got != len(first)+len(commits) {
		t.Errorf("%d commits, want %d", got, len(first)+len(commits))
	}
}

// A pack that rotted is not packed again: the good copy may be elsewhere.
func TestMaintainStopsAtRottenPacks(t *testing.T) {
	r := newRepository(t)
	grow(t, r, 50, 3)
	packs := glob(t, r, "*.pack")

	largest, size := "", int64(0)
	for _, path := range packs {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > size {
			largest, size = path, info.Size()
		}
	}

	data, err := os.ReadFile(largest)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.Chmod(largest, 0o644); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(largest, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Maintain(t.Context(), gitsync.MaintainOptions{Full: true}); !errors.Is(err, gitsync.ErrCorrupt) {
		t.Errorf("%v, want ErrCorrupt", err)
	}
	if diff := cmp.Diff(packs, glob(t, r, "*.pack")); diff != "" {
		t.Errorf("packs changed: %s", diff)
	}
	if left := glob(t, r, "tmp_*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestMaintainIsCancelled(t *testing.T) {
	r := newRepository(t)
	grow(t, r, 50, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Maintain(ctx, gitsync.MaintainOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of the context", err)
	}
	if left := glob(t, r, "tmp_*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	fsck(t, r.Dir())
}

// What an importer of stock git left as thousands of files becomes one pack.
func TestManyLooseObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	const commits = 400

	var in strings.Builder
	for i := range commits {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter a <a@b> %d +0000\ndata 1\nx\nM 644 inline f%d\ndata 5\n%05d\n", 1_700_000_000+i, i%10,
			i)
	}

	git(t, r.Dir(), "config", "fastimport.unpackLimit", "1000000") // all loose
	gitIn(t, r.Dir(), in.String(), "fast-import", "--quiet")
	objects := strings.Fields(git(t, r.Dir(), "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"))
	packed, err := gitsync.Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}

	tip, err := packed.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	want := contents(t, packed, tip)
	report := maintain(t, packed, gitsync.MaintainOptions{})
	if report.Loose != len(objects) || report.PacksAfter != 1 {
		t.Errorf("%d objects: %+v", len(objects), report)
	}
	fsck(t, r.Dir())
	if diff := cmp.Diff(want, contents(t, packed, tip)); diff != "" {
		t.Error(diff)
	}
}

// TestMaintainIsTheSameOnAnyMachine packs one repository with one processor and with
// several: the same objects lie at the same places, each as a change of the same one.
func TestMaintainIsTheSameOnAnyMachine(t *testing.T) {
	files := 1_500
	if testing.Short() {
		files = 300
	}
	source := newRepository(t)
	grow(t, source, files, 40)
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var packs []string

	for _, processors := range []int{1, 4} {
		runtime.GOMAXPROCS(processors)
		r := copyRepository(t, source.Dir())
		report := maintain(t, r, gitsync.MaintainOptions{Full: true})
		if report.Rewritten < files || report.Deltas < files/15 {
			t.Errorf("with %d processors: %+v", processors, report)
		}
		found, err := filepath.Glob(filepath.Join(r.Dir(), "objects", "pack", "*.idx"))
		if err != nil || len(found) != 1 {
			t.Fatalf("packs %q, %v", found, err)
		}
		// The last line names the pack, and no pack ever has the bytes of another.
		listed, _, _ := strings.Cut(git(t, r.Dir(), "verify-pack", "-v", found[0]), found[0])
		packs = append(packs, strings.ReplaceAll(listed, strings.TrimSuffix(found[0], ".idx"), ""))
	}

	if diff := cmp.Diff(packs[0], packs[1]); diff != "" {
		t.Error(diff)
	}
}
