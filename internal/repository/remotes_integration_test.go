//go:build integration

package repository

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// credentials writes the files of a remote into the fixture's key directory.
func (f *fixture) credentials(remote string, files map[string]string) {
	f.Helper()
	dir := keyring.CredentialsDir(f.keysDir, remote)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fixture) addRemote(name, url string) {
	f.Helper()
	u, err := gitsync.ParseRemoteURL(url)
	if err != nil {
		f.Fatal(err)
	}
	if err := f.repo.AddRemote(f.Context(), Remote{Name: name, URL: u}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) push() Replication {
	f.Helper()
	done, err := f.repo.Push(f.Context(), f.keysDir, nil, gitsync.RemoteOptions{Silence: 2 * time.Second}, f.now)
	if err != nil {
		f.Fatal(err)
	}
	return done
}

func (r Replication) state(name string) gitsync.RemoteState {
	for _, p := range r.Remotes {
		if p.Remote == name {
			return p.State
		}
	}
	return ""
}

// Three remotes, of which one hangs: the others hold the point, the setting decides
// whether that is enough, and the one that hung catches up when it is back. A copy
// made from one of them goes on.
func TestReplication(t *testing.T) {
	f := newFixture(t)
	forge, vault, slow := testremote.Bare(t), testremote.Bare(t), testremote.Bare(t)
	https := testremote.HTTPS(t, filepath.Dir(forge))
	https.Username, https.Password = "appbur", "token"
	f.addRemote("forge", https.Repo("mgmt.git"))
	f.credentials("forge", map[string]string{"username": "appbur\n", "password": "token\n", "ca.crt": string(https.CA)})
	shell := testremote.SSH(t)
	known, err := os.ReadFile(shell.KnownHosts(t, shell.Address))
	if err != nil {
		t.Fatal(err)
	}
	f.addRemote("vault", shell.Repo(shell.Address, vault))
	f.credentials("vault", map[string]string{"identity": string(shell.ClientKey), "known_hosts": string(known)})
	web := testremote.HTTP(t, filepath.Dir(slow))
	proxy := testremote.NewProxy(t, web.Listener.Addr().String())
	f.addRemote("slow", "http://"+proxy.Address+"/mgmt.git")

	proxy.Set(testremote.Fault{Sent: 10, Hang: true})
	first := f.point()
	done := f.push()
	if done.Replicated() || done.Required != 3 || done.Holding != 2 || done.state("slow") != gitsync.RemoteSilent {
		t.Fatalf("%+v", done)
	}
	f.git("config", "appbur.requiredRemotes", "2")
	if done := f.push(); !done.Replicated() {
		t.Errorf("%+v", done)
	}
	for _, bare := range []string{forge, vault} {
		testremote.Fsck(t, bare)
		if got := strings.TrimSpace(f.git("rev-parse", first.ID.Tag())); got != testremote.Git(t, bare, "rev-parse", first.ID.Tag()) {
			t.Errorf("the point is not at %s", bare)
		}
	}
	list, err := f.repo.RemoteStatuses(t.Context(), f.keysDir, gitsync.RemoteOptions{Silence: time.Second})
	if err != nil || list[1].State != gitsync.RemoteSilent || list[1].LastPush != nil || list[0].State != gitsync.RemoteUpToDate ||
		list[0].LastPush == nil {
		t.Errorf("%+v, %v", list, err)
	}
	proxy.Set(testremote.Fault{})
	if done := f.push(); done.Holding != 3 {
		t.Errorf("%+v", done)
	}
	testremote.Fsck(t, slow)

	// A point that is deleted here is deleted there, and only then.
	f.time = f.time.Add(time.Hour)
	f.point()
	if err := f.repo.NoteDeleted(first); err != nil {
		t.Fatal(err)
	}
	if done := f.push(); done.Holding != 3 || done.Remotes[0].Removed != 0 {
		t.Errorf("a point that is still here was deleted: %+v", done)
	}
	f.git("update-ref", "-d", "refs/tags/"+first.ID.Tag())
	if done := f.push(); done.Holding != 3 || done.Remotes[0].Removed != 1 {
		t.Errorf("%+v", done)
	}
	if tags := testremote.Git(t, vault, "tag"); strings.Contains(tags, first.ID.Tag()) || tags == "" {
		t.Errorf("tags: %s", tags)
	}

	// A copy, with the keys of the first machine, is as good as the first.
	peer, err := reachable(f.keysDir, mustRemote(t, f.repo, "vault"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "copy.git")
	if _, _, err := Clone(t.Context(), dir, peer, gitsync.RemoteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.open(dir, f.keysDir)
	if outcome := f.backup(); outcome.Committed {
		t.Error("the copy took an unchanged cluster for a changed one")
	}
	f.time = f.time.Add(time.Hour)
	second := f.point()
	loaded, err := f.repo.Load(t.Context(), second, f.opener())
	if err != nil || len(loaded.Objects) != len(fixtureObjects()) {
		t.Errorf("%v", err)
	}
	if done := f.push(); done.Holding != 1 || done.Required != 1 {
		t.Errorf("%+v", done)
	}
	testremote.Fsck(t, vault)
	testremote.Fsck(t, dir)
}

func mustRemote(t testing.TB, r *Repository, name string) Remote {
	t.Helper()
	list, err := r.chooseRemotes([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}
