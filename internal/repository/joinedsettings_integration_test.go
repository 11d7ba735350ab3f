//go:build integration

package repository

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Somebody changes who can decrypt, and pushes, while a daemon commits: both histories are joined, and what the daemon
// writes from then on obeys the change. The same the other way round. Two changes are for a person to join.
func TestSettingsChangedOnOneSideAreJoined(t *testing.T) {
	for name, test := range map[string]struct {
		ours, theirs bool // change the settings
		joined       bool
	}{
		"at the remote": {theirs: true, joined: true},
		"here":          {ours: true, joined: true},
		"on both sides": {ours: true, theirs: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			bare := testremote.Bare(t)
			f.addRemote("vault", bare)
			f.point()
			f.push()
			other := f.replica("vault")
			goOn := func(f *fixture, change bool, what string) []string {
				if !change {
					f.write(what)
					return nil
				}
				next, _ := newKeys(t)
				return f.mustRotate(f.opener(), Rotation{Add: []string{next.Recipient}}).Recipients
			}
			changed := goOn(other, test.theirs, "theirs")
			other.push()
			f.time = f.time.Add(time.Hour) // the files of the newer side would be taken
			changed = slices.Concat(changed, goOn(f, test.ours, "ours"))
			before := testremote.Git(t, bare, "show-ref")

			result := f.refresh().Remotes[0]
			if result.Joined != test.joined || errors.Is(result.Err(), ErrNotJoined) == test.joined {
				t.Fatalf("%+v: %v", result, result.Err())
			}
			if !test.joined {
				if f.push(); testremote.Git(t, bare, "show-ref") != before {
					t.Error("the remote has something else")
				}
				return
			}
			f.write("later")
			if pushed := f.push(); pushed.Holding != 1 {
				t.Fatalf("%+v", pushed)
			}
			text := testremote.Git(t, bare, "show", "main:appbur.yaml")
			for _, recipient := range changed {
				if !strings.Contains(text, recipient) {
					t.Errorf("%s is no recipient in\n%s", recipient, text)
				}
			}
			if done := other.refresh(); done.Remotes[0].Err() != nil || done.Remotes[0].State == gitsync.RemoteDiverged {
				t.Errorf("%+v", done)
			}
			testremote.Fsck(t, bare)
		})
	}
}

// What somebody who is trusted pushes, and what saves less than before, is agreed to by nobody because a daemon joins it.
func TestJoiningAgreesToNothing(t *testing.T) {
	f := newFixture(t)
	bare := testremote.Bare(t)
	f.addRemote("vault", bare)
	f.point()
	f.push()
	dir := t.TempDir()
	work, alice := filepath.Join(dir, "work"), filepath.Join(dir, "alice")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", alice).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(alice + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	f.appendTo(filepath.Join(f.keysDir, "allowed_signers"), `alice@example.com namespaces="git" `+string(public))
	testremote.Git(t, dir, "clone", "-q", bare, work)
	f.appendTo(filepath.Join(work, "appbur.yaml"), "rules: {exclude: [{kinds: [Deployment.apps], reason: hidden}]}\n")
	testremote.Git(t, work, "-c", "gpg.format=ssh", "-c", "user.signingKey="+alice, "commit", "-q", "-S", "-am", "Leave out more")
	testremote.Git(t, work, "push", "-q")

	f.write("ours")
	result := f.refresh().Remotes[0]
	if result.Joined || !errors.Is(result.Err(), ErrPolicy) || !strings.Contains(result.Err().Error(), "nobody has agreed yet") {
		t.Errorf("%+v: %v", result, result.Err())
	}
}

func (f *fixture) appendTo(file, text string) {
	f.Helper()
	before, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, append(before, text...), 0o600)
	}
	if err != nil {
		f.Fatal(err)
	}
}
