//go:build integration

package repository

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// replica is another working copy of the same repository, with the same keys.
func (f *fixture) replica(remote string) *fixture {
	f.Helper()
	peer, err := reachable(f.keysDir, mustRemote(f, f.repo, remote))
	if err != nil {
		f.Fatal(err)
	}
	dir := filepath.Join(f.TempDir(), "replica.git")
	if _, _, err := Clone(f.Context(), dir, peer, gitsync.RemoteOptions{}); err != nil {
		f.Fatal(err)
	}
	other := &fixture{TB: f.TB, time: f.time}
	keys := f.TempDir()
	if err := os.CopyFS(keys, os.DirFS(f.keysDir)); err != nil {
		f.Fatal(err)
	}
	if err := os.Remove(filepath.Join(keys, "seen")); err != nil {
		f.Fatal(err)
	}
	err = filepath.WalkDir(keys, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		f.Fatal(err)
	}
	other.open(dir, keys)
	return other
}

func (f *fixture) refresh() Refreshed {
	f.Helper()
	done, err := f.repo.Refresh(f.Context(), f.keys, RefreshOptions{
		Remote: gitsync.RemoteOptions{Silence: 2 * time.Second}, Patience: 3 * time.Second, Now: f.now,
	})
	if err != nil {
		f.Fatal(err)
	}
	return done
}

// write commits one object.
func (f *fixture) write(name string) {
	f.Helper()
	f.time = f.time.Add(time.Minute)
	writer := f.begin()
	result, err := f.rules().Make(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "team"},
		"data": map[string]any{"at": f.time.String()},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range []manifest.Result{result} {
		if err := writer.Put(r); err != nil {
			f.Fatal(err)
		}
	}
	if _, err := writer.Commit(f.Context(), f.now(), appbur.Coverage{}); err != nil {
		f.Fatal(err)
	}
}

// sshRemote adds a repository on a real SSH server, httpsRemote one on a web server.
func (f *fixture) sshRemote(name string) (bare string) {
	f.Helper()
	bare = testremote.Bare(f)
	shell := testremote.SSH(f)
	known, err := os.ReadFile(shell.KnownHosts(f, shell.Address))
	if err != nil {
		f.Fatal(err)
	}
	f.addRemote(name, shell.Repo(shell.Address, bare))
	f.credentials(name, map[string]string{"identity": string(shell.ClientKey), "known_hosts": string(known)})
	return bare
}

func (f *fixture) httpsRemote(name string) (bare string, proxy *testremote.Proxy) {
	f.Helper()
	bare = testremote.Bare(f)
	https := testremote.HTTPS(f, filepath.Dir(bare))
	https.Username, https.Password = "appbur", "token"
	proxy = testremote.NewProxy(f, https.Listener.Addr().String())
	f.addRemote(name, strings.Replace(https.Repo("mgmt.git"), https.Listener.Addr().String(), proxy.Address, 1))
	f.credentials(name, map[string]string{"username": "appbur\n", "password": "token\n", "ca.crt": string(https.CA)})
	return bare, proxy
}

// A replica that takes over has what the other one wrote, over HTTPS and SSH; what it wrote itself reaches the remotes
// with the next push.
func TestRefreshFollowsWhatAnotherCopyWrote(t *testing.T) {
	f := newFixture(t)
	f.httpsRemote("forge")
	vault := f.sshRemote("vault")
	f.point()
	f.push()
	other := f.replica("vault")
	f.write("later")
	f.time = f.time.Add(time.Hour)
	newest := f.point()
	f.push()

	done := other.refresh()
	if len(done.Remotes) != 1 || done.Remotes[0].State != gitsync.RemoteAhead || done.Remotes[0].Points != 1 || done.From == done.To {
		t.Fatalf("%+v", done)
	}
	other.time = f.time
	if outcome := other.backup(); outcome.Committed {
		t.Error("an unchanged cluster made a commit")
	}
	if _, err := other.repo.Resolve(string(newest.ID)); err != nil {
		t.Error(err)
	}
	other.write("from the other")
	if done := other.refresh(); done.Remotes[0].State != gitsync.RemoteBehind || done.From != done.To {
		t.Errorf("%+v", done)
	}
	other.push()
	if done := f.refresh(); done.Remotes[1].State != gitsync.RemoteAhead || done.Remotes[0].Err() != nil {
		t.Errorf("%+v", done)
	}
	testremote.Fsck(t, vault)
}

// Two copies that went on without each other are joined: no commit and no point of either is lost, and every remote takes
// the next push.
func TestRefreshJoinsHistoriesThatDiverged(t *testing.T) {
	f := newFixture(t)
	vault := f.sshRemote("vault")
	f.point()
	f.push()
	other := f.replica("vault")

	other.write("of the other")
	other.time = other.time.Add(30 * time.Minute)
	theirs := other.point()
	other.push()
	f.write("ours")
	f.time = f.time.Add(time.Hour)
	ours := f.point()
	if done := f.push(); done.state("vault") != gitsync.RemoteDiverged {
		t.Fatalf("%+v", done)
	}

	done := f.refresh()
	if !done.Remotes[0].Joined || done.Remotes[0].Err() != nil {
		t.Fatalf("%+v: %v", done, done.Remotes[0].Err())
	}
	if pushed := f.push(); pushed.Holding != 1 {
		t.Fatalf("%+v", pushed)
	}
	trusted, err := f.keys.Trusted()
	if err != nil {
		t.Fatal(err)
	}
	for _, point := range []PointRef{theirs, ours} {
		if _, err := f.repo.VerifyTrust(point, Trust{KeysDir: f.keysDir, Signers: trusted}); err != nil {
			t.Errorf("%s: %v", point.ID, err)
		}
	}
	if _, err := f.repo.History(f.keysDir); err != nil {
		t.Error(err)
	}
	if done := other.refresh(); done.Remotes[0].State != gitsync.RemoteAhead {
		t.Errorf("%+v", done)
	}
	testremote.Fsck(t, vault)
	if out := f.git("fsck", "--strict", "--full", "--no-dangling"); out != "" {
		t.Error(out)
	}
}

// What nobody trusted has written, or what is another repository, is not joined: neither side changes.
func TestRefreshJoinsNothingThatIsNotTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(f *fixture, bare string)
		want  error
	}{
		"a commit without a signature": {func(f *fixture, bare string) {
			tree := testremote.Git(f, bare, "rev-parse", "main^{tree}")
			made := testremote.Git(f, bare, "commit-tree", "-p", "main", "-m", "Mine", tree)
			testremote.Git(f, bare, "update-ref", "refs/heads/main", made)
		}, ErrNotJoined},
		"another repository": {func(f *fixture, bare string) {
			stranger := newFixture(f)
			stranger.addRemote("vault", bare)
			testremote.Git(f, bare, "update-ref", "-d", "refs/heads/main")
			testremote.Git(f, bare, "update-ref", "-d", "refs/tags/restore-points/20261121T030238Z")
			stranger.push()
		}, ErrOtherRepository},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			bare := testremote.Bare(t)
			f.addRemote("vault", bare)
			f.point()
			f.push()
			f.write("ours")
			test.spoil(f, bare)
			before := testremote.Git(t, bare, "show-ref")
			done := f.refresh()
			if err := done.Remotes[0].Err(); !errors.Is(err, test.want) || done.From != done.To || nextStep(err) == "" {
				t.Errorf("%+v: %v", done, err)
			}
			f.push()
			if after := testremote.Git(t, bare, "show-ref"); after != before {
				t.Errorf("the remote had\n%s\nand has\n%s", before, after)
			}
		})
	}
}

// A remote that hangs delays nothing for longer than the others' answers and some patience.
func TestRefreshDoesNotWaitForOneThatHangs(t *testing.T) {
	f := newFixture(t)
	_, proxy := f.httpsRemote("forge")
	f.sshRemote("vault")
	f.point()
	f.push()
	proxy.Set(testremote.Fault{Sent: 1, Hang: true})
	done, err := f.repo.Refresh(t.Context(), f.keys, RefreshOptions{Patience: 100 * time.Millisecond, Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	if list := done.Unanswered(); len(list) != 1 || list[0].Remote != "forge" || done.Remotes[1].Err() != nil {
		t.Errorf("%+v", done)
	}
}

// Commits that were lost with a working copy before they were pushed do not stand in the way; commits that a remote had,
// and that it lost, do.
func TestOnlyWhatNoRemoteHadIsForgotten(t *testing.T) {
	f := newFixture(t)
	bare := testremote.Bare(t)
	f.addRemote("disk", bare)
	f.point()
	f.write("pushed")
	f.push()
	pushed := testremote.Git(t, bare, "rev-parse", "main")
	f.write("never pushed")
	lost := strings.TrimSpace(f.git("rev-parse", "main"))
	peer, err := reachable(f.keysDir, mustRemote(t, f.repo, "disk"))
	if err != nil {
		t.Fatal(err)
	}
	open := func() {
		dir := filepath.Join(t.TempDir(), "copy.git")
		if _, _, err := Clone(t.Context(), dir, peer, gitsync.RemoteOptions{}); err != nil {
			t.Fatal(err)
		}
		f.open(dir, f.keysDir)
	}

	open()
	forgot, err := f.repo.ForgetUnpushed(f.keysDir, f.now())
	if err != nil || forgot == nil || forgot.Seen.Commit.String() != lost || forgot.Main.String() != pushed {
		t.Fatalf("%+v: %v", forgot, err)
	}
	f.write("goes on")
	f.push()

	testremote.Git(t, bare, "update-ref", "refs/heads/main", pushed)
	open()
	if forgot, err := f.repo.ForgetUnpushed(f.keysDir, f.now()); !errors.Is(err, ErrRewritten) || forgot != nil {
		t.Errorf("%+v: %v", forgot, err)
	}
}
