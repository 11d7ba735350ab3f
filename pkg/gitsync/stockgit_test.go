package gitsync_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Whatever stock git makes of the packs, indexes and refs of a repository is read,
// checked, written to and maintained.
func TestStockGitKeepsTheRepository(t *testing.T) {
	saves := 8
	if testing.Short() {
		saves = 3
	}

	for name, steps := range map[string][][]string{
		"packs of loose objects": {
			{"unpack-packs"},
			{"maintenance", "run", "--task=loose-objects"},
			{"maintenance", "run", "--task=loose-objects"},
		},
		"multi-pack index": {
			{"multi-pack-index", "write"},
			{"maintenance", "run", "--task=incremental-repack"},
			{"multi-pack-index", "repack"},
			{"multi-pack-index", "expire"},
		},
		"geometric, with bitmaps": {{"repack", "-q", "--geometric=2", "-d", "--write-midx", "--write-bitmap-index"}},
		"bitmaps and commit graph": {
			{"gc", "-q", "--aggressive", "--prune=now"},
			{"repack", "-q", "-adb"},
			{"commit-graph", "write", "--reachable"},
		},
		"cruft":              {{"repack", "-q", "--cruft", "-d"}},
		"index of version 1": {{"-c", "pack.indexVersion=1", "repack", "-adfq"}},
		"version 1, many packs": {
			{"unpack-packs"},
			{"-c", "pack.indexVersion=1", "maintenance", "run", "--task=loose-objects"},
			{"-c", "pack.indexVersion=1", "gc", "-q"},
		},
		"whole objects by name": {{"-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq"}},
		"loose, stored plainly": {{"-c", "core.looseCompression=0", "unpack-packs"}},
		"packed refs":           {{"pack-refs", "--all", "--prune"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			commits := grow(t, r, 30, saves)
			want := contentsOfAll(t, r, commits)
			gitIn(t, r.Dir(), "that nothing leads to", "hash-object", "-w", "--stdin")
			for _, step := range steps {
				if step[len(step)-1] == "unpack-packs" {
					unpack(t, r.Dir())
				} else {
					git(t, r.Dir(), step...)
				}
			}

			opened, err := gitsync.Open(r.Dir())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []*gitsync.Repository{opened, r} {
				if diff := cmp.Diff(want, contentsOfAll(t, r, commits)); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
			}
			report, err := gitsync.Check(t.Context(), r.Dir(), gitsync.CheckOptions{})
			if err != nil || len(report.Problems) > 0 || report.Objects == 0 {
				t.Errorf("%+v, %v", report, err)
			}

			want2 := grow(t, opened, 30, 2)
			fsck(t, r.Dir())
			if report := maintain(t, opened, gitsync.MaintainOptions{Full: true}); report.PacksAfter > 2 {
				t.Errorf("%+v", report)
			}
			fsck(t, r.Dir())
			if diff := cmp.Diff(want, contentsOfAll(t, opened, commits)); diff != "" {
				t.Errorf("after maintenance (-want +got):\n%s", diff)
			}
			contentsOfAll(t, opened, want2)
		})
	}
}

// Clones that lack objects on purpose, and formats that are not read, are called what
// they are, with a way out.
func TestRepositoriesThatLackObjects(t *testing.T) {
	r := newRepository(t)
	commits := grow(t, r, 10, 5)
	git(t, r.Dir(), "config", "uploadpack.allowFilter", "true")
	from := "file://" + r.Dir()
	for name, test := range map[string]struct {
		make       func(dir string)
		says, hint string
	}{
		"partial": {
			func(dir string) { git(t, "/", "clone", "-q", "--bare", "--filter=blob:none", from, dir) }, "partial clone",
			"without --filter",
		},
		"partial, as older git marks it": {func(dir string) {
			git(t, "/", "clone", "-q", "--bare", from, dir)
			git(t, dir, "config", "remote.origin.promisor", "true")
		}, "partial clone", "without --filter"},
		"SHA-256":  {func(dir string) { git(t, "/", "init", "-q", "--bare", "--object-format=sha256", dir) }, "SHA-256", "make a new repository"},
		"reftable": {func(dir string) { withExtension(t, dir, "refstorage", "reftable") }, "reftable", "git refs migrate"},
		"unknown":  {func(dir string) { withExtension(t, dir, "timetravel", "on") }, "timetravel", "newer appbur"},
		"other format": {func(dir string) {
			withExtension(t, dir, "noop", "x")
			git(t, dir, "config", "core.repositoryformatversion", "7")
		}, "version 7", "newer appbur"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "r.git")
			test.make(dir)
			_, err := gitsync.Open(dir)
			if !errors.Is(err, gitsync.ErrUnsupported) || !strings.Contains(err.Error(), test.says) ||
				!strings.Contains(appbur.HintOf(err), test.hint) {
				t.Errorf("%v, hint %q", err, appbur.HintOf(err))
			}
		})
	}

	// A shallow clone is read as far as it goes.
	dir := filepath.Join(t.TempDir(), "shallow.git")
	git(t, "/", "clone", "-q", "--bare", "--depth=2", from, dir)
	shallow, err := gitsync.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	newest, oldest := commits[len(commits)-1], commits[0]
	if diff := cmp.Diff(contents(t, r, newest), contents(t, shallow, newest)); diff != "" {
		t.Error(diff)
	}
	_, err = shallow.Snapshot(oldest)
	if !errors.Is(err, gitsync.ErrObjectNotFound) || !strings.Contains(err.Error(), "shallow clone") ||
		!strings.Contains(appbur.HintOf(err), "fetch --unshallow") {
		t.Errorf("%v, hint %q", err, appbur.HintOf(err))
	}
}

// withExtension makes a repository with a format extension that git itself may not
// know. The version is set last, because git goes by it.
func withExtension(t *testing.T, dir, key, value string) {
	t.Helper()
	if _, err := gitsync.Init(dir); err != nil {
		t.Fatal(err)
	}
	appendFile(t, filepath.Join(dir, "config"), fmt.Sprintf("[extensions]\n\t%s = %s\n", key, value))
}

// Stock git repacks, prunes without a time of grace and packs refs while commits and
// points are made, and points deleted: everything that was acknowledged is there.
func TestWritingWhileStockGitPrunes(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	first := grow(t, r, 20, 3)
	stop := make(chan struct{})
	var beside sync.WaitGroup
	for _, loop := range [][][]string{
		{{"gc", "-q", "--prune=now"}, {"repack", "-q", "-ad"}},
		{{"pack-refs", "--all", "--prune"}},
	} {
		beside.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				step := loop[n%len(loop)]
				if out, err := tryGit(r.Dir(), "", step...); err != nil {
					t.Errorf("git %s: %v %s", strings.Join(step, " "), err, out)
				}
			}
		})
	}
	defer func() { close(stop); beside.Wait(); fsck(t, r.Dir()) }()

	tip := first[len(first)-1]
	e := edit(t, r, tip)
	want := map[gitsync.Hash]map[string]string{tip: contents(t, r, tip)}
	var deleted string
	for n := range 60 {
		path := fmt.Sprint("dir/", n%7)
		put(t, e, path, fmt.Sprint("content ", n, strings.Repeat(" x", 500)))
		head := commit(t, r, e, fmt.Sprint(n))
		want[head] = contents(t, r, head)

		point := edit(t, r, head)
		name := fmt.Sprint("points/", n)
		put(t, point, "apps/data", fmt.Sprint("payload ", n/10))
		child, tag, err := r.CommitAndTag(t.Context(), name, point, head, info(name), tagInfo(name, nil))
		if err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			want[child] = contents(t, r, child)
			continue
		}
		deleted = "refs/tags/" + name
		if err := r.DeleteRefs(t.Context(), map[string]gitsync.Hash{deleted: tag}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Tip(deleted); !errors.Is(err, gitsync.ErrRefNotFound) {
			t.Fatalf("%s is back: %v", deleted, err)
		}
	}
	if tags, err := r.Tags("points/"); err != nil || len(tags) != 30 {
		t.Errorf("%d tags, %v", len(tags), err)
	}
	for head, files := range want {
		if diff := cmp.Diff(files, contents(t, r, head)); diff != "" {
			t.Fatal(diff)
		}
	}
	if left := glob(t, r, "*.keep"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A list of refs that git packs meanwhile misses none.
func TestListingWhileGitPacksRefs(t *testing.T) {
	r := newRepository(t)
	head := grow(t, r, 3, 0)[0]
	const tags = 8
	names := make([]string, tags)
	for n := range names {
		names[n] = fmt.Sprint("t/", n)
	}

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 40 {
			for _, name := range names {
				// Loose again, as a tag that was just made.
				path := filepath.Join(r.Dir(), "refs/tags", name)
				_ = os.MkdirAll(filepath.Dir(path), 0o755)
				if err := os.WriteFile(path+".new", []byte(head.String()+"\n"), 0o644); err != nil {
					continue
				}
				_ = os.Rename(path+".new", path)
			}
			if out, err := tryGit(r.Dir(), "", "pack-refs", "--all", "--prune"); err != nil {
				t.Errorf("%v %s", err, out)
			}
		}
	}()

	complete := false
	for {
		select {
		case <-ended:
			return
		default:
		}
		found, err := r.Tags("t/")
		if err != nil {
			t.Error(err)
			continue
		}
		n := 0
		for _, tag := range found {
			if tag.Commit == head {
				n++
			}
		}
		if complete && n < tags {
			t.Errorf("%d of %d tags", n, tags)
		}
		complete = complete || n == tags
	}
}
