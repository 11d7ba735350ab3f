package workingcopy

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Two daemons have a part of one remote each. What one begins, loses, clones and has from another copy of it is in its
// own part, and the other's stays as it is.
func TestDaemonsShareARemote(t *testing.T) {
	bare := testremote.Bare(t)
	a, b := begun(t, bare+"#clusters/a"), begun(t, bare+"#clusters/b")
	theirs := testremote.Git(t, bare, "rev-parse", "clusters/b/main")

	other := &place{TB: t, dir: filepath.Join(t.TempDir(), "other.git"), keys: a.keys, remotes: a.remotes}
	there := other.obtain(nil)
	other.write(there, "{last: 3}")
	other.push(there)
	repo := a.obtain(nil)
	if repo.Config().Retention == nil {
		t.Errorf("it was not brought up to date\n%s", a.log.text.String())
	}
	a.write(repo, "{last: 4}")
	a.push(repo)
	a.lose()
	repo = a.obtain(nil)
	if main, err := repo.Main(); err != nil || main.String() != testremote.Git(t, bare, "rev-parse", "clusters/a/main") {
		t.Errorf("it is at %s: %v", main, err)
	}
	if list, err := repo.Remotes(); err != nil || len(list) != 1 || list[0] != a.remotes[0] {
		t.Errorf("its remotes are %v: %v", list, err)
	}
	if _, err := testremote.TryGit(a.dir, "cat-file", "-e", theirs); err == nil {
		t.Error("the clone has what is the other's")
	}

	// The part of another is refused, with the disk that there is and without one.
	wrong := &place{TB: t, dir: a.dir, keys: a.keys, remotes: b.remotes}
	wrong.remotes[0].Name = "wrong"
	repo = wrong.obtain(nil)
	done, err := repo.Push(t.Context(), a.keys, []string{"wrong"}, gitsync.RemoteOptions{}, time.Now)
	if err != nil || done.Replicated() || repository.ReasonOf(done.Remotes[0].Err()) != repository.ReasonOtherRemote {
		t.Errorf("%+v, %v", done, err)
	}
	wrong.lose()
	if repo, err := wrong.options().obtain(t.Context()); !errors.Is(err, repository.ErrOtherRepository) {
		t.Errorf("%v, %v", repo, err)
	}
	if _, err := os.Stat(wrong.dir); !os.IsNotExist(err) {
		t.Errorf("it left something: %v", err)
	}
	if now := testremote.Git(t, bare, "rev-parse", "clusters/b/main"); now != theirs {
		t.Errorf("the other is at %s, and was at %s", now, theirs)
	}
	testremote.Git(t, bare, "symbolic-ref", "HEAD", "refs/heads/clusters/a/main")
	testremote.Fsck(t, bare)
}
