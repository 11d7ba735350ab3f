//go:build integration

package cli

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testremote"
)

// copyOfKeys is a key directory for another working copy, which remembers for itself what it has seen.
func (s *replicas) copyOfKeys() string {
	s.Helper()
	keys := filepath.Join(s.TempDir(), "keys")
	if out, err := exec.CommandContext(s.Context(), "cp", "-a", s.keys, keys).CombinedOutput(); err != nil {
		s.Fatalf("%v\n%s", err, out)
	}
	return keys
}

// While a daemon is stopped, another copy writes to the remote, as a leader does whose push arrives late. The daemon notices
// when it pushes, begins anew with what is there, and loses nothing of either side.
func TestADaemonGoesOnFromWhatALatePushBrought(t *testing.T) {
	s := newReplicas(t, "1.37.1")
	url, bare := s.slowRemote()
	s.ok("remotes", "add", "web", url, "--repo", s.repo, "--keys", s.keys)
	s.put("before", "1")
	s.backup(s.cluster)
	keys, other := s.copyOfKeys(), filepath.Join(t.TempDir(), "other.git")
	s.ok("clone", url, other, "--keys", keys)

	daemon := s.replica(s.repo, s.keys, "--leader-elect=false")
	s.eventually("it watches", func() bool { return strings.Contains(daemon.log(), "msg=watching") })
	daemon.signal(t, syscall.SIGSTOP)
	s.put("late", "1")
	s.ok("backup", "--repo", other, "--keys", keys, "--kubeconfig", s.cluster.Kubeconfig)
	point := s.pointsOf(other, keys)[0]
	late := testremote.Git(t, bare, "rev-parse", "main")
	s.put("after", "1")
	daemon.signal(t, syscall.SIGCONT)

	s.eventually("it begins anew", func() bool { return strings.Contains(daemon.log(), "beginning anew with what the remote holds") })
	s.committed(bare, "late", "1")
	s.committed(bare, "after", "1")
	if code := daemon.stop(); code != ExitDone {
		t.Errorf("it ended with %d", code)
	}
	testremote.Git(t, bare, "merge-base", "--is-ancestor", strings.TrimSpace(late), "main")
	testremote.Git(t, bare, "rev-parse", "--verify", "-q", point.ID.Tag())
	if points := s.pointsOf(s.repo, s.keys); points[0].ID != point.ID {
		t.Errorf("the newest point here is %s, want %s", points[0].ID, point.ID)
	}
	s.git("fsck", "--strict")
	s.ok("repo", "check", "--repo", s.repo, "--keys", s.keys)
}

// pointsOf are the points of a repository, newest first.
func (s *replicas) pointsOf(repo, keys string) []appbur.RestorePoint {
	s.Helper()
	other := *s.story
	other.repo, other.keys = repo, keys
	return other.points(s.T)
}
