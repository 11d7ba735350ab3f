//go:build integration

package repository

import (
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Two machines that drill at the same time have nothing to join: each report is a tag of its own.
func TestDrillsAreReplicated(t *testing.T) {
	f := newFixture(t)
	f.point()
	f.drill("first")
	remote, _ := f.httpsRemote("far")
	f.push()

	other := f.replica("far")
	if got := other.drills(); got != "first" {
		t.Fatalf("a clone has %q", got)
	}
	other.time = f.time
	other.drill("theirs")
	f.time = f.time.Add(1)
	f.drill("ours")
	other.push()
	f.push()
	f.refresh()
	other.refresh()
	for _, copy := range []*fixture{f, other} {
		if got := strings.Split(copy.drills(), ", "); len(got) != 3 {
			t.Errorf("a copy has %v", got)
		}
		copy.git("fsck", "--strict")
	}

	// Somebody who can push replaces one, and adds another: nobody's copy changes, and nobody believes it.
	name := strings.Fields(f.git("for-each-ref", "--format=%(refname)", "refs/tags/drill-reports/"))[0]
	f.git("push", "-q", remote, "+main:"+name, "+main:refs/tags/drill-reports/20301231T000000Z-00000000")
	if refreshed := f.refresh(); refreshed.Remotes[0].Err() != nil || refreshed.Remotes[0].Points != 0 {
		t.Errorf("%+v", refreshed.Remotes[0])
	}
	if done := f.push(); done.Remotes[0].DrillsError != "" || !done.Replicated() {
		t.Errorf("%+v", done.Remotes[0])
	}
	if got := strings.Split(f.drills(), ", "); len(got) != 3 {
		t.Errorf("after others wrote there: %v", got)
	}
}

func TestARemoteThatRefusesDrillsHasTheHistory(t *testing.T) {
	f := newFixture(t)
	f.point()
	remote := testremote.Bare(t)
	testremote.Hook(t, remote, "update", `case "$1" in refs/tags/drill-reports/*) echo no drills here >&2; exit 1;; esac`)
	f.addRemote("far", "file://"+remote)
	f.drill("passed")

	done := f.push()
	if !done.Replicated() || !strings.Contains(done.Remotes[0].DrillsError, "drill") {
		t.Errorf("%+v", done.Remotes[0])
	}
	if got := f.git("ls-remote", remote, gitsync.MainRef); got == "" {
		t.Error("the remote has no history")
	}
}
