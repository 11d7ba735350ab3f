//go:build integration

package daemon_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	v1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/appbur/appbur/internal/testremote"
)

// process is appbur run as a process, which follows a log that gets the events of the API server when the test lets them through.
type process struct {
	*site
	binary, through, remote string
	command                 *exec.Cmd
	output                  *output
	relayed                 int // bytes
}

// output is what a process says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func newProcess(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{site: newSite(t, "1.37.1"), binary: filepath.Join(dir, "appbur"), through: filepath.Join(dir, "through.log")}
	p.remote = testremote.Bare(t)
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", p.binary, "github.com/appbur/appbur/cmd/appbur")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.must(nil, os.WriteFile(p.through, nil, 0o600))
	t.Cleanup(func() {
		if p.command != nil {
			p.kill()
		}
		if t.Failed() {
			t.Logf("the daemon said:\n%s", p.output)
		}
	})
	return p
}

func (p *process) begin() {
	p.Helper()
	p.output = &output{}
	p.command = exec.Command(p.binary, "run", "--repo", p.repo, "--keys", p.keys, "--kubeconfig", p.Kubeconfig, "--quiet", "200ms",
		"--limit", "2s", "--audit-log", p.through, "--remote", "copy="+p.remote)
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.must(nil, p.command.Start())
	p.await("it watches", func() bool { return strings.Contains(p.output.String(), "watching") })
}

func (p *process) kill() {
	p.Helper()
	p.must(nil, p.command.Process.Kill())
	_ = p.command.Wait()
	p.command = nil
}

// relay lets all events through that the API server has written until now.
func (p *process) relay() {
	p.Helper()
	events, err := os.ReadFile(p.log)
	p.must(nil, err)
	events = events[:bytes.LastIndexByte(events, '\n')+1]
	file, err := os.OpenFile(p.through, os.O_APPEND|os.O_WRONLY, 0o600)
	p.must(nil, err)
	p.must(file.Write(events[p.relayed:]))
	p.must(nil, file.Close())
	p.relayed = len(events)
}

// maps are the ConfigMaps, for somebody with kubectl.
func (p *process) maps(user string) v1.ConfigMapInterface {
	return p.as(p.RESTConfigOf(user), "kubectl").CoreV1().ConfigMaps("default")
}

// has waits until the remote has an object with a value, "" for none.
func (p *process) has(name, value string) {
	p.Helper()
	file := "main:namespaces/default/configmap/" + name + ".yaml"
	p.await(name+" is "+value+" at the remote", func() bool {
		text, err := testremote.TryGit(p.remote, "show", file)
		return value == "" && err != nil || value != "" && strings.Contains(text, "by: "+value+"\n")
	})
}

// work has three people write, of whom no event comes through; then it is all at the remote.
func (p *process) work(round int) {
	p.Helper()
	ctx := p.Context()
	name := func(what string) string { return fmt.Sprintf("%s-%d", what, round) }
	content := func(name, by string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"by": by}}
	}
	for _, what := range []string{"patched", "replaced", "deleted"} {
		p.must(p.maps("alice").Create(ctx, content(name(what), "alice"), metav1.CreateOptions{}))
	}
	for _, what := range []string{"patched", "replaced", "deleted"} {
		p.has(name(what), "alice")
	}

	patch := func(user string) {
		p.Helper()
		data := []byte(`{"data":{"by":"bob"}}`)
		p.must(p.maps(user).Patch(ctx, name("patched"), types.MergePatchType, data, metav1.PatchOptions{}))
	}
	patch("bob")
	now, err := p.maps("bob").Get(ctx, name("replaced"), metav1.GetOptions{})
	p.must(nil, err)
	now.Data["by"] = "bob"
	p.must(p.maps("bob").Update(ctx, now, metav1.UpdateOptions{}))
	p.must(nil, p.maps("Carol@example.com").Delete(ctx, name("deleted"), metav1.DeleteOptions{}))
	p.has(name("patched"), "bob")
	p.has(name("replaced"), "bob")
	p.has(name("deleted"), "")

	// Whoever changes nothing is answered with the version of bob.
	patch("alice")
	p.must(p.maps("alice").Update(ctx, content(name("replaced"), "bob"), metav1.UpdateOptions{}))
}

// noted waits until the remote has notes on who did the work, and demands that they are right.
func (p *process) noted(round int) {
	p.Helper()
	file := func(what string) string { return fmt.Sprintf("namespaces/default/configmap/%s-%d.yaml", what, round) }
	want := map[string]string{}
	for _, what := range []string{"patched", "replaced", "deleted"} {
		commits := strings.Fields(testremote.Git(p, p.remote, "log", "--format=%H", "main", "--", file(what)))
		if len(commits) != 2 {
			p.Fatalf("%s has the commits %v", file(what), commits)
		}
		want[commits[1]+" "+file(what)] = "alice"
		want[commits[0]+" "+file(what)] = map[string]string{"patched": "bob", "replaced": "bob", "deleted": "Carol@example.com"}[what]
	}
	p.await("all is noted", func() bool {
		p.relay()
		notes := p.notes()
		for change, who := range want {
			if said := notes[change]; said != "" && said != who+";" {
				p.Fatalf("%s is said to be of %s, not %s", change, said, who)
			}
		}
		for change := range want {
			if notes[change] == "" {
				return false
			}
		}
		return true
	})
}

// notes are those of the remote: commit and path, and who did it.
func (p *process) notes() map[string]string {
	all := map[string]string{}
	list, err := testremote.TryGit(p.remote, "notes", "--ref=appbur-actors", "list")
	if err != nil {
		return all
	}
	for line := range strings.Lines(list) {
		blob, commit, _ := strings.Cut(strings.TrimSpace(line), " ")
		path := ""
		for line := range strings.Lines(testremote.Git(p, p.remote, "cat-file", "blob", blob)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "Appbur-Path":
				path = value
			case "Appbur-Actor":
				name, _, _ := strings.Cut(value, " <")
				all[commit+" "+path] += name + ";"
			}
		}
	}
	return all
}

// A daemon that is killed after it has committed changes, and before the events about them come, is followed by one that notes who
// made them: on the same disk, and on an empty one that it fills from the remote. Nobody is named who changed nothing.
func TestEventsAfterAKillAreNoted(t *testing.T) {
	p := newProcess(t)
	p.begin()
	first := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "first"}, Data: map[string]string{"by": "admin"}}
	p.must(p.as(p.RESTConfig(), "admin").CoreV1().ConfigMaps("default").Create(t.Context(), first, metav1.CreateOptions{}))
	p.has("first", "admin") // a cluster begins whole, and that is of nobody
	p.work(1)
	if notes := p.notes(); len(notes) > 0 {
		t.Errorf("noted without events: %v", notes)
	}
	p.kill()
	p.begin()
	p.noted(1)

	p.work(2)
	p.kill()
	p.must(nil, os.RemoveAll(p.repo))
	_ = os.Remove(p.repo + ".audit-log")
	p.begin()
	p.noted(2)
	if out := testremote.Git(t, p.remote, "log", "--format=%an", "main"); strings.Contains(out, "alice\n") {
		t.Errorf("the history was rewritten:\n%s", out)
	}
	testremote.Fsck(t, p.remote)
}
