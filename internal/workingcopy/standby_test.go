package workingcopy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// tag makes a restore point at a remote.
func tag(t testing.TB, bare, id string) string {
	t.Helper()
	testremote.Git(t, bare, "tag", "-a", "-m", id, "restore-points/"+id, "main")
	return testremote.Git(t, bare, "rev-parse", "refs/tags/restore-points/"+id)
}

// standsBy is a copy of a process that is not elected.
func standsBy(t testing.TB, p *place) *place {
	t.Helper()
	other := &place{TB: t, dir: filepath.Join(t.TempDir(), "standby.git"), keys: p.keys, remotes: p.remotes}
	if repo, err := Prepare(t.Context(), other.options()); repo == nil || err != nil {
		t.Fatal(err)
	}
	return other
}

// Points that the leader deletes while another process stands by do not come back when that one takes over.
func TestWhatIsDeletedMeanwhileDoesNotComeBack(t *testing.T) {
	bare := testremote.Bare(t)
	p := begun(t, bare)
	tag(t, bare, "20261121T000000Z")
	tag(t, bare, "20261121T010000Z")
	other := standsBy(t, p)
	own := testremote.Git(t, other.dir, "tag", "-a", "-m", "own", "restore-points/20261121T003000Z", "main") // never at the remote
	testremote.Git(t, bare, "tag", "-d", "restore-points/20261121T000000Z")
	tag(t, bare, "20261121T020000Z")

	other.push(other.obtain(nil))
	want := "restore-points/20261121T003000Z\nrestore-points/20261121T010000Z\nrestore-points/20261121T020000Z"
	for _, dir := range []string{bare, other.dir} {
		if got := testremote.Git(t, dir, "tag"); got != want {
			t.Errorf("%s has %s%s", dir, got, own)
		}
	}
	if !strings.Contains(other.log.text.String(), "points=1") {
		t.Errorf("the log says\n%s", other.log.text.String())
	}
	if _, err := os.Stat(filepath.Join(other.dir, "appbur-held.json")); !os.IsNotExist(err) {
		t.Errorf("a process that leads has a note: %v", err)
	}
}

// A remote that has lost all points, or one that does not answer, takes none away from a copy: the next push brings them back.
func TestARemoteThatLostItsPointsGetsThemBack(t *testing.T) {
	bare, second := testremote.Bare(t), testremote.Bare(t)
	p := begun(t, bare, second)
	tag(t, bare, "20261121T000000Z")
	emptied := standsBy(t, p)
	testremote.Git(t, bare, "tag", "-d", "restore-points/20261121T000000Z")
	emptied.push(emptied.obtain(nil))
	if got := testremote.Git(t, bare, "tag"); got != "restore-points/20261121T000000Z" {
		t.Errorf("it has %q", got)
	}

	tag(t, bare, "20261121T010000Z")
	alone := standsBy(t, p)
	testremote.Git(t, bare, "tag", "-d", "restore-points/20261121T000000Z")
	back := away(t, second)
	repo := alone.obtain(nil)
	back()
	if _, err := repo.Push(t.Context(), p.keys, nil, gitsync.RemoteOptions{}, alone.options().Now); err != nil {
		t.Fatal(err)
	}
	if got := testremote.Git(t, second, "tag"); got != "restore-points/20261121T000000Z\nrestore-points/20261121T010000Z" {
		t.Errorf("the other has %q", got)
	}
}
