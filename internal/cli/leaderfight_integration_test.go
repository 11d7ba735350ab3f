//go:build integration

package cli

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/testremote"
)

// fightsFlag is how often a leader is stopped or killed; 60 take some ten minutes.
var fightsFlag = flag.Int("fights", 6, "how often the leader of two daemons is stopped or killed")

// fight is two daemons that fight for the Lease, while the cluster changes.
type fight struct {
	*replicas
	// bare is the remote that both push to.
	bare  string
	seats [2]*seat

	mu sync.Mutex
	// made counts changes; now is what the cluster has, by name.
	made int
	now  map[string]string
	done chan struct{}
	// tips are what the remote had as main, tags those of restore points, with their objects.
	tips []string
	tags map[string]bool
}

// seat is one of the two, which can be started again.
type seat struct {
	*replica
	name, repo, keys string
	flags            []string
	starts           int
	// disposable copies are lost with their process.
	disposable bool
}

// sits starts the process of a seat.
func (f *fight) sits(s *seat) {
	f.Helper()
	s.starts++
	if s.disposable {
		if err := os.RemoveAll(s.repo); err != nil {
			f.Fatal(err)
		}
	}
	s.replica = f.replica(s.repo, s.keys, append([]string{"--leader-elect-identity", fmt.Sprint(s.name, s.starts)}, s.flags...)...)
}

// slowRemote is a Git server that takes its time for a push, so that processes are stopped and killed in the middle of some.
func (s *replicas) slowRemote() (url, bare string) {
	s.Helper()
	bare = testremote.Bare(s.T)
	hook := filepath.Join(bare, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nsleep 0.3\n"), 0o755); err != nil {
		s.Fatal(err)
	}
	server := testremote.HTTP(s.T, filepath.Dir(bare))
	return "http://" + server.Listener.Addr().String() + "/" + filepath.Base(bare), bare
}

// change changes the cluster until the end.
func (f *fight) change() {
	configMaps := f.client.CoreV1().ConfigMaps("default")
	for n := 1; ; n++ {
		select {
		case <-f.done:
			return
		case <-time.After(40 * time.Millisecond):
		}
		name, value := fmt.Sprint("busy-", n%13), fmt.Sprint(n)
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"value": value}}
		var err error
		if n%7 == 0 {
			err, value = configMaps.Delete(f.Context(), name, metav1.DeleteOptions{}), ""
		} else {
			if _, err = configMaps.Update(f.Context(), object, metav1.UpdateOptions{}); apierrors.IsNotFound(err) {
				_, err = configMaps.Create(f.Context(), object, metav1.CreateOptions{})
			}
		}
		if err != nil && !apierrors.IsNotFound(err) {
			f.Errorf("the cluster: %v", err)
		}
		f.mu.Lock()
		f.made, f.now[name] = n, value
		f.mu.Unlock()
	}
}

// goesOn waits for so many changes of the cluster.
func (f *fight) goesOn(changes int) {
	f.Helper()
	f.mu.Lock()
	until := f.made + changes
	f.mu.Unlock()
	f.eventually("the cluster changes", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.made >= until
	})
}

// leader returns who leads, and who does not.
func (f *fight) leader() (leader, other *seat) {
	f.Helper()
	f.eventually("somebody leads", func() bool {
		for i, s := range f.seats {
			if f.holder() == fmt.Sprint(s.name, s.starts) && s.leads() {
				leader, other = s, f.seats[1-i]
			}
		}
		return leader != nil
	})
	return leader, other
}

// terms are what the log says of each time that a process led.
func (s *seat) terms() []string { return strings.Split(s.log(), "this process leads, and writes")[1:] }

// after does something to the leader, and waits until the other one leads and has committed something since. A leader that is
// stopped in the middle of a write keeps a volume that both share locked: then the other one leads, waits, and says so.
func (f *fight) after(leader, other *seat, signal syscall.Signal) {
	f.Helper()
	before := len(other.terms())
	leader.signal(f.T, signal)
	f.eventually(other.name+" takes over", func() bool {
		terms := other.terms()
		if len(terms) <= before {
			return false
		}
		last := terms[len(terms)-1]
		locked := strings.Contains(last, "the repository is locked") && signal == syscall.SIGSTOP
		if locked && !strings.Contains(last, "msg=watching") {
			f.Logf("%s was stopped in the middle of a write", leader.name)
			return true
		}
		return strings.Contains(last, "msg=committed")
	})
}

// note notes what the remote has, in one reading.
func (f *fight) note() {
	out, err := gitCommand(f.Context(), f.bare, "for-each-ref", "--format=%(refname) %(objectname)").Output()
	if err != nil {
		f.Error(err)
	}
	for line := range strings.Lines(string(out)) {
		ref := strings.TrimSpace(line)
		if tip, main := strings.CutPrefix(ref, "refs/heads/main "); main {
			f.tips = append(f.tips, tip)
			continue
		}
		f.tags[ref] = true
	}
}

// rounds has the leader stopped and woken up after another one has taken over, or killed and started again.
func (f *fight) rounds(n int) {
	f.Helper()
	for i := range n {
		leader, other := f.leader()
		f.goesOn(5 + i*7%11)
		f.note()
		if i%3 == 2 {
			f.after(leader, other, syscall.SIGKILL)
			f.sits(leader)
			continue
		}
		before := strings.Count(leader.log(), "does not write any more, and stands by")
		f.after(leader, other, syscall.SIGSTOP)
		f.note()
		leader.signal(f.T, syscall.SIGCONT)
		f.eventually("who wakes up stands by", func() bool {
			return strings.Count(leader.log(), "does not write any more, and stands by") > before
		})
	}
}

// toTheEnd fights, and checks what is left.
func (f *fight) toTheEnd(rounds int) (last *seat) {
	f.Helper()
	f.done, f.now, f.tags = make(chan struct{}), map[string]string{}, map[string]bool{}
	for _, s := range f.seats {
		f.sits(s)
	}
	var changing sync.WaitGroup
	changing.Go(f.change)
	quiet := sync.OnceFunc(func() {
		close(f.done)
		changing.Wait()
	})
	defer quiet()
	f.rounds(rounds)
	f.note()
	quiet()

	f.eventually("the remote is what the cluster is", func() bool {
		tip, err := gitCommand(f.Context(), f.bare, "rev-parse", "main").Output()
		return err == nil && maps.Equal(f.saved(f.bare, strings.TrimSpace(string(tip))), f.expected())
	})
	last, other := f.leader()
	for _, s := range []*seat{other, last} { // the other one would take over
		if code := s.stop(); code != ExitDone {
			f.Errorf("%s ended with %d", s.name, code)
		}
	}
	f.lostNothing(last.repo)
	return last
}

// expected are the values that the cluster has.
func (f *fight) expected() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	values := maps.Clone(f.now)
	maps.DeleteFunc(values, func(_, value string) bool { return value == "" })
	return values
}

// saved are the values in a commit.
func (f *fight) saved(repo, commit string) map[string]string {
	return busyValues(f.Context(), repo, commit)
}

// busyValues are the values of the ConfigMaps in a commit whose names begin with busy-.
func busyValues(ctx context.Context, repo, commit string) map[string]string {
	values := map[string]string{}
	out, err := gitCommand(ctx, repo, "grep", "-h", "-E", `^  (name: busy-|value: )`, commit, "--", "namespaces/default/configmap").Output()
	if err != nil {
		return values
	}
	value := ""
	for line := range strings.Lines(string(out)) { // data comes before metadata
		key, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key == "value" {
			value = strings.Trim(text, `"`)
			continue
		}
		values[text] = value
	}
	return values
}

// lostNothing checks that whatever the remote ever had is still part of its history, which is that of the last leader.
func (f *fight) lostNothing(repo string) {
	f.Helper()
	git := func(dir string, args ...string) string {
		out, err := gitCommand(f.Context(), dir, args...).CombinedOutput()
		if err != nil {
			f.Errorf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	tip := git(f.bare, "rev-parse", "main")
	if here := git(repo, "rev-parse", "main"); here != tip {
		f.Errorf("the remote has %s, and the last leader has %s", tip, here)
	}
	for _, earlier := range slices.Compact(f.tips) {
		git(f.bare, "merge-base", "--is-ancestor", earlier, tip)
	}
	left := git(f.bare, "for-each-ref", "--format=%(refname) %(objectname)")
	for point := range f.tags {
		if !strings.Contains(left, point) {
			f.Errorf("the remote has lost %s", point)
		}
	}
	if len(f.tags) == 0 {
		f.Error("no restore point was made")
	}
	git(f.bare, "fsck", "--strict")
	commits := git(f.bare, "rev-list", "--count", "main")
	f.Logf("measured: %d changes, %s commits, %d restore points, %d tips of the remote seen", f.made, commits,
		strings.Count(left, "refs/tags/"), len(f.tips))
}

// busy has a daemon commit, push and make restore points all the time, so that it is stopped in the middle of it.
var busy = []string{"--quiet", "50ms", "--limit", "150ms", "--schedule", "@every 2s", "--even-unchanged"}

// Two daemons on one volume fight: whoever leads is stopped, woken up after the other one has taken over, or killed, in the
// middle of commits and pushes. One line of history is left, nothing is lost, and Git is what the cluster is.
func TestTwoDaemonsThatFightForOneVolume(t *testing.T) {
	s := newReplicas(t, "1.37.1")
	url, bare := s.slowRemote()
	s.ok("remotes", "add", "web", url, "--allow-plaintext", "--repo", s.repo, "--keys", s.keys)
	f := &fight{replicas: s, bare: bare, seats: [2]*seat{
		{name: "first", repo: s.repo, keys: s.keys, flags: busy}, {name: "second", repo: s.repo, keys: s.keys, flags: busy},
	}}
	f.toTheEnd(*fightsFlag)
	s.whole(s.repo)
}

// Two daemons with a working copy each fight, and have nothing in common but a remote and the Lease; who is killed loses its
// copy as well. Commits that never left the copy of a leader that was stopped are joined with the history when it
// leads again. Whatever the remote had stays, and Git is what the cluster is.
func TestTwoDaemonsThatFightWithACopyEach(t *testing.T) {
	s := newReplicas(t, "1.24.17")
	url, bare := s.slowRemote()
	s.ok("remotes", "add", "web", url, "--allow-plaintext", "--repo", s.repo, "--keys", s.keys)
	s.ok("remotes", "push", "--repo", s.repo, "--keys", s.keys)
	f := &fight{replicas: s, bare: bare}
	for i, name := range []string{"first", "second"} {
		f.seats[i] = &seat{
			name: name, repo: filepath.Join(t.TempDir(), "mgmt.git"), keys: s.copyOfKeys(), disposable: true,
			flags: append([]string{"--remote", "web=" + url}, busy...),
		}
	}
	last := f.toTheEnd(*fightsFlag)

	s.ok("repo", "check", "--repo", last.repo, "--keys", last.keys)
	for line := range strings.Lines(testremote.Git(t, bare, "log", "--min-parents=2", "--format=%s", "main")) {
		if strings.TrimSpace(line) != "Join the history of a remote" {
			t.Errorf("the history is no line at %q", line)
		}
	}
}
