package fleetcopies

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// forge is a remote that two clusters share.
type forge struct {
	testing.TB
	bare string
}

var clusters = []string{"clusters/a", "clusters/b"}

func newForge(t testing.TB) *forge {
	t.Helper()
	f := &forge{t, testremote.Bare(t)}
	for _, name := range clusters {
		dir := t.TempDir()
		keys := filepath.Join(dir, "keys")
		if _, err := repository.Create(t.Context(), filepath.Join(dir, "repo.git"), keys, "", nil, rand.Reader, time.Now); err != nil {
			t.Fatal(err)
		}
		repo, err := repository.Open(filepath.Join(dir, "repo.git"))
		if err != nil {
			t.Fatal(err)
		}
		if err := repo.AddRemote(t.Context(), repository.Remote{Name: "forge", URL: f.remote(name).URL}); err != nil {
			t.Fatal(err)
		}
		if done, err := repo.Push(t.Context(), keys, nil, gitsync.RemoteOptions{}, time.Now); err != nil || !done.Replicated() {
			t.Fatalf("%+v, %v", done, err)
		}
		f.point(name, "20261121T000000Z")
	}
	return f
}

func (f *forge) remote(part string) gitsync.Remote {
	f.Helper()
	u, err := gitsync.ParseRemoteURL(f.bare + "#" + part)
	if err != nil {
		f.Fatal(err)
	}
	return gitsync.Remote{Name: "origin", URL: u}
}

// point makes a tag on a commit of its own, which main goes on to.
func (f *forge) point(part, id string) {
	f.Helper()
	branch := "refs/heads/" + part + "/main"
	commit := testremote.Git(f, f.bare, "commit-tree", "-p", branch, "-m", id, branch+"^{tree}")
	testremote.Git(f, f.bare, "update-ref", branch, commit)
	testremote.Git(f, f.bare, "tag", "-a", "-m", id, part+"/restore-points/"+id, commit)
}

func (f *forge) source(part string) Source {
	f.Helper()
	remote := f.remote(part)
	refs, err := gitsync.RemoteRefs(f.Context(), remote, gitsync.RemoteOptions{})
	if err != nil {
		f.Fatal(err)
	}
	return Source{Remote: remote, Refs: refs}
}

// take demands a copy that was come by in a way, and that has what the remote has.
func (f *forge) take(c *Copies, part string, want How) string {
	f.Helper()
	taken, err := c.Take(f.Context(), f.source(part))
	if err != nil {
		f.Fatal(err)
	}
	if taken.How != want {
		f.Errorf("%s was %s, want %s", part, taken.How, want)
	}
	there := testremote.Git(f, f.bare, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/"+part, "refs/tags/"+part)
	here := testremote.Git(f, taken.Dir, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
	if there = strings.ReplaceAll(there, "/"+part+"/", "/"); here != there {
		f.Errorf("the copy has\n%s\nwant\n%s", here, there)
	}
	testremote.Fsck(f, taken.Dir)
	if bytes := size(taken.Dir); bytes > 1<<18 {
		f.Errorf("the copy of a small history has %d bytes", bytes)
	}
	if err := taken.Release(); err != nil {
		f.Error(err)
	}
	return taken.Dir
}

func open(t testing.TB, most int64) *Copies {
	t.Helper()
	c, err := Open(filepath.Join(t.TempDir(), "cache[*"), most, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOnlyWhatIsNewIsFetched(t *testing.T) {
	f, c := newForge(t), open(t, 1<<30)
	a := f.take(c, clusters[0], Cloned)
	if b := f.take(c, clusters[1], Cloned); a == b {
		t.Error("both have the same copy")
	}
	f.take(c, clusters[0], Unchanged)

	f.point(clusters[0], "20261121T010000Z")
	f.take(c, clusters[1], Unchanged)
	f.take(c, clusters[0], Fetched)
	f.take(c, clusters[0], Unchanged)

	testremote.Git(t, f.bare, "tag", "-d", clusters[0]+"/restore-points/20261121T000000Z")
	f.take(c, clusters[0], Fetched)

	branch := "refs/heads/" + clusters[0] + "/main"
	testremote.Git(t, f.bare, "update-ref", branch, branch+"~1") // rewritten
	f.take(c, clusters[0], Cloned)
	testremote.Git(t, f.bare, "tag", "-f", "-a", "-m", "another", clusters[0]+"/restore-points/20261121T010000Z", branch)
	f.take(c, clusters[0], Cloned)
	f.take(c, clusters[1], Unchanged)

	testremote.Git(t, f.bare, "update-ref", "-d", branch)
	if taken, err := c.Take(t.Context(), f.source(clusters[0])); gitsync.StateOf(err) != gitsync.RemoteEmpty {
		t.Errorf("a branch that is gone: %+v, %v", taken, err)
	}
	if _, err := os.Stat(a); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy of it remains: %v", err)
	}
}

// Whatever has become of a copy, the next look has a good one.
func TestDamagedCopiesAreMadeAnew(t *testing.T) {
	f, c := newForge(t), open(t, 1<<30)
	dir := f.take(c, clusters[0], Cloned)
	for name, damage := range map[string]func() error{
		"deleted": func() error { return os.RemoveAll(dir) },
		"no HEAD": func() error { return os.Remove(filepath.Join(dir, "HEAD")) },
		"empty":   func() error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) },
		"no refs": func() error { return os.WriteFile(filepath.Join(dir, "packed-refs"), []byte("nonsense"), 0o600) },
		"a file":  func() error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			f.take(c, clusters[0], Cloned)
		})
	}

	packs, err := os.ReadDir(filepath.Join(dir, "objects", "pack"))
	if err != nil || len(packs) == 0 {
		t.Fatal(packs, err)
	}
	for _, pack := range packs {
		if !strings.HasSuffix(pack.Name(), ".pack") {
			continue
		}
		if err := os.Remove(filepath.Join(dir, "objects", "pack", pack.Name())); err != nil {
			t.Fatal(err)
		}
	}
	f.point(clusters[0], "20261121T020000Z")
	f.take(c, clusters[0], Cloned)
	anew, err := c.TakeAnew(t.Context(), f.source(clusters[0]))
	if err != nil || anew.How != Cloned {
		t.Fatalf("%+v, %v", anew, err)
	}
	if err := anew.Release(); err != nil {
		t.Error(err)
	}

	if err := os.RemoveAll(c.dir); err != nil {
		t.Fatal(err)
	}
	if c, err = Open(c.dir, 1<<30, time.Now); err != nil {
		t.Fatal(err)
	}
	f.take(c, clusters[0], Cloned)
}

// A remote that cannot be reached takes no copy away.
func TestACopyOutlivesItsRemote(t *testing.T) {
	f, c := newForge(t), open(t, 1<<30)
	f.take(c, clusters[0], Cloned)
	f.point(clusters[0], "20261121T030000Z")
	source := f.source(clusters[0])
	if err := os.Rename(f.bare, f.bare+".away"); err != nil {
		t.Fatal(err)
	}
	if taken, err := c.Take(t.Context(), source); gitsync.StateOf(err) != gitsync.RemoteNotFound {
		t.Errorf("%+v, %v", taken, err)
	}
	if err := os.Rename(f.bare+".away", f.bare); err != nil {
		t.Fatal(err)
	}
	f.take(c, clusters[0], Fetched)
}

// Many that want the same copy at once have it one after another, and it is made once.
func TestOneAtATime(t *testing.T) {
	f, c := newForge(t), open(t, 1<<30)
	source := f.source(clusters[0])
	var mu sync.Mutex
	inside, hows := 0, map[How]int{}
	var workers sync.WaitGroup
	for range 6 {
		workers.Go(func() {
			other, err := Open(c.dir, 1<<30, time.Now)
			if err != nil {
				t.Error(err)
				return
			}
			taken, err := other.Take(t.Context(), source)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			inside, hows[taken.How] = inside+1, hows[taken.How]+1
			if inside > 1 {
				t.Errorf("%d use it", inside)
			}
			mu.Unlock()
			mu.Lock()
			inside--
			mu.Unlock()
			if err := taken.Release(); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if hows[Cloned] != 1 || hows[Unchanged] != 5 {
		t.Errorf("they were %v", hows)
	}

	held, err := c.Take(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if taken, err := c.Take(ctx, source); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", taken, err)
	}
	if err := held.Release(); err != nil {
		t.Error(err)
	}
}

// What was used least recently goes first, and what is in use stays.
func TestThereAreNoMoreBytesThanThereMayBe(t *testing.T) {
	f, c := newForge(t), open(t, 1<<30)
	a, b := f.take(c, clusters[0], Cloned), f.take(c, clusters[1], Cloned)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(strings.TrimSuffix(b, copySuffix)+lockSuffix, old, old); err != nil {
		t.Fatal(err)
	}
	if err := c.Trim(); err != nil {
		t.Fatal(err)
	}
	f.take(c, clusters[0], Unchanged)

	c.most = size(a)
	if err := c.Trim(); err != nil {
		t.Fatal(err)
	}
	f.take(c, clusters[0], Unchanged)
	if _, err := os.Stat(b); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the older one remains: %v", err)
	}

	c.most = 1
	held, err := c.Take(t.Context(), f.source(clusters[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Trim(); err != nil {
		t.Fatal(err)
	}
	testremote.Fsck(t, a)
	if err := errors.Join(held.Release(), c.Trim()); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(c.dir); err != nil || len(entries) != 0 {
		t.Errorf("there remain %v, %v", entries, err)
	}
}
