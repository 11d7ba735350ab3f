//go:build integration

package gitsync_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// fetched is what a fetch takes.
var fetched = gitsync.FetchWhat{Branch: gitsync.MainRef, TagPrefix: "restore-points/"}

func fetch(t testing.TB, r *gitsync.Repository, p place) gitsync.Fetched {
	t.Helper()
	done, err := r.Fetch(t.Context(), p.remote, fetched, gitsync.RemoteOptions{})
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	return done
}

func cloneOf(t testing.TB, p place) *gitsync.Repository {
	t.Helper()
	r, _, err := gitsync.Clone(t.Context(), filepath.Join(t.TempDir(), "copy.git"), p.remote, gitsync.MainRef, "restore-points/",
		gitsync.RemoteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asAtTheRemote demands that branches and tags are the same on both sides.
func asAtTheRemote(t testing.TB, r *gitsync.Repository, bare string) {
	t.Helper()
	if ours, theirs := git(t, r.Dir(), "show-ref", "--heads", "--tags"), git(t, bare, "show-ref"); ours != theirs {
		t.Errorf("here is\n%s\nand at the remote\n%s", ours, theirs)
	}
}

// A copy takes from every kind of remote what is newer there, and no more than that.
func TestFetchBringsACopyUpToDate(t *testing.T) {
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			writer := filled(t, 500)
			pointOn(t, writer, "20261121T030238Z", "a")
			push(t, writer, p)
			copied := cloneOf(t, p)
			if done := fetch(t, copied, p); done.State != gitsync.RemoteUpToDate || done.Objects != 0 {
				t.Fatalf("nothing is newer: %+v", done)
			}

			grow(t, writer, 500, 3)
			pointOn(t, writer, "20261121T040000Z", "b")
			push(t, writer, p)
			done := fetch(t, copied, p)
			if done.State != gitsync.RemoteAhead || done.Commits != 3 || !slices.Equal(done.Tags, []string{"restore-points/20261121T040000Z"}) {
				t.Fatalf("fetched %+v", done)
			}
			if done.Objects > 60 {
				t.Errorf("%d objects were sent for three small commits and a point", done.Objects)
			}
			asAtTheRemote(t, copied, p.bare)
			fsck(t, copied.Dir())
			if tip, err := copied.Tip(gitsync.RemoteBranch(p.remote.Name, gitsync.MainRef)); err != nil || tip != done.Tip {
				t.Errorf("the remote's branch is remembered as %s: %v", tip, err)
			}

			// The copy writes on, and whoever wrote before takes that.
			grow(t, copied, 500, 2)
			if done := fetch(t, copied, p); done.State != gitsync.RemoteBehind || done.Objects != 0 {
				t.Errorf("the copy is newer: %+v", done)
			}
			push(t, copied, p)
			if done := fetch(t, writer, p); done.State != gitsync.RemoteAhead || done.Commits != 2 {
				t.Errorf("fetched %+v", done)
			}
			asAtTheRemote(t, writer, p.bare)
			fsck(t, writer.Dir())
		})
	}
}

// Where both have gone on, both stay: the branch here is where it was, and the commits of the remote are here as well.
func TestFetchReplacesNothing(t *testing.T) {
	for _, p := range places(t) {
		t.Run(p.name, func(t *testing.T) {
			writer := filled(t, 100)
			push(t, writer, p)
			copied := cloneOf(t, p)
			grow(t, copied, 100, 2)
			pointOn(t, copied, "20261121T030238Z", "ours")
			ours := grow(t, copied, 100, 1)[0]
			grow(t, writer, 100, 70)
			pointOn(t, writer, "20261121T030238Z", "theirs")
			push(t, writer, p)
			before := git(t, copied.Dir(), "show-ref", "--heads", "--tags")

			done := fetch(t, copied, p)
			if done.State != gitsync.RemoteDiverged || !slices.Equal(done.Others, []string{"restore-points/20261121T030238Z"}) {
				t.Fatalf("fetched %+v", done)
			}
			if after := git(t, copied.Dir(), "show-ref", "--heads", "--tags"); after != before {
				t.Errorf("the refs were\n%s\nand are\n%s", before, after)
			}
			if _, err := copied.ReadCommit(done.Tip); err != nil {
				t.Errorf("the remote's commits are not here: %v", err)
			}

			// Joined, the remote takes it as the continuation that it is.
			e := edit(t, copied, ours)
			joined := info("join")
			joined.Parents, joined.AllowEmpty = []gitsync.Hash{ours, done.Tip}, true
			if _, err := copied.Commit(t.Context(), gitsync.MainRef, e, joined); err != nil {
				t.Fatal(err)
			}
			git(t, p.bare, "tag", "-d", "restore-points/20261121T030238Z")
			push(t, copied, p)
			asAtTheRemote(t, copied, p.bare)
			fsck(t, copied.Dir())
			testremote.Fsck(t, p.bare)
		})
	}
}

// A connection that breaks anywhere, and a caller that does not approve, leave the copy as it was.
func TestAFetchThatFailsLeavesTheCopyAsItWas(t *testing.T) {
	bare := testremote.Bare(t)
	server := testremote.HTTPS(t, filepath.Dir(bare))
	proxy := testremote.NewProxy(t, server.Listener.Addr().String())
	url := strings.Replace(server.Repo("mgmt.git"), server.Listener.Addr().String(), proxy.Address, 1)
	p := place{"proxy", bare, gitsync.Remote{Name: "proxy", URL: remoteURL(t, url), Credentials: gitsync.Credentials{CA: server.CA}}}
	writer := filled(t, 300)
	push(t, writer, p)
	copied := cloneOf(t, p)
	grow(t, writer, 300, 40)
	push(t, writer, p)
	before := git(t, copied.Dir(), "show-ref")

	for _, received := range []int64{100, 3000, 6000, 9000, 12000} {
		proxy.Set(testremote.Fault{Received: received})
		if done, err := copied.Fetch(t.Context(), p.remote, fetched, gitsync.RemoteOptions{}); err == nil {
			t.Fatalf("cut off after %d bytes: %+v", received, done)
		}
		if after := git(t, copied.Dir(), "show-ref"); after != before {
			t.Fatalf("cut off after %d bytes, the refs are\n%s", received, after)
		}
	}
	proxy.Set(testremote.Fault{})
	refused := fetched
	refused.Approve = func(f gitsync.Fetched) error {
		if f.State != gitsync.RemoteAhead || f.Commits != 40 {
			t.Errorf("asked about %+v", f)
		}
		return gitsync.ErrLocked
	}
	if _, err := copied.Fetch(t.Context(), p.remote, refused, gitsync.RemoteOptions{}); err == nil {
		t.Fatal("nobody approved of it")
	}
	if after := git(t, copied.Dir(), "show-ref"); after != before {
		t.Fatalf("the refs are\n%s", after)
	}
	if left, _ := filepath.Glob(filepath.Join(copied.Dir(), "appbur-fetch-*")); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	fetch(t, copied, p)
	fsck(t, copied.Dir())
}

// A tag that was deleted here does not come back.
func TestFetchLeavesDeletedTagsAway(t *testing.T) {
	p := localPlace(t)
	writer := filled(t, 50)
	pointOn(t, writer, "20261121T030238Z", "a")
	push(t, writer, p)
	copied := cloneOf(t, p)
	name := "refs/tags/restore-points/20261121T030238Z"
	id, err := copied.Tip(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := copied.DeleteRefs(t.Context(), map[string]gitsync.Hash{name: id}, nil); err != nil {
		t.Fatal(err)
	}
	without := fetched
	without.Deleted = []gitsync.DeletedTag{{Name: "restore-points/20261121T030238Z", Object: id}}
	done, err := copied.Fetch(t.Context(), p.remote, without, gitsync.RemoteOptions{})
	if err != nil || len(done.Tags) > 0 {
		t.Errorf("fetched %+v: %v", done, err)
	}
	if done := fetch(t, copied, p); len(done.Tags) != 1 || done.Objects != 0 {
		t.Errorf("who did not delete it has it again, and without being sent it: %+v", done)
	}
}
