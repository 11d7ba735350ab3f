//go:build integration

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// backupsFlag is how many backups TestProcessesOnOneRepository makes; 400 take some ten
// minutes.
var backupsFlag = flag.Int("backups", 6, "backups that are made by a process beside run, prune and git")

// Several processes work on one repository all the time: run follows a real cluster that
// changes, backups are made one after the other, points are pruned, the repository is
// packed together, and stock git collects garbage and packs refs. No process fails, main
// ends as the cluster is, and nothing is lost or left.
func TestProcessesOnOneRepository(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.37.1")
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.ok("init", s.repo, "--keys", s.keys)
	p := &processes{story: s, binary: buildBinary(t), done: make(chan struct{})}
	source := []string{"--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig}
	daemon := p.daemon(append([]string{"run", "--quiet", "200ms", "--limit", "1s"}, source...)...)

	p.again(func(n int) { change(t, client, n) })
	p.again(func(int) {
		p.appbur("points", "prune", "--repo", s.repo, "--keys", s.keys, "--keep-last", "3", "--yes")
		p.appbur("repo", "maintain", "--repo", s.repo, "--prune-expire", "1h")
	})
	p.again(func(int) { p.git("gc", "-q") })
	p.again(func(int) { p.git("pack-refs", "--all", "--prune") })
	for range *backupsFlag {
		p.appbur(append([]string{"backup"}, source...)...)
	}
	p.end()
	if err := daemon.stop(); err != nil {
		t.Errorf("run: %v\n%s", err, daemon.log.String())
	}

	last := s.backup(cluster)
	if text := s.git("show", "main:namespaces/default/configmap/busy-0.yaml"); !strings.Contains(text, "value:") {
		t.Errorf("main lacks what is in the cluster:\n%s", text)
	}
	var points []struct{ ID appbur.RestorePointID }
	if err := json.Unmarshal([]byte(s.ok("points", "list", "--repo", s.repo, "--keys", s.keys, "--json")), &points); err != nil {
		t.Fatal(err)
	}
	if len(points) == 0 || points[0].ID != last.Point.ID {
		t.Errorf("the newest point is not the last that was made, %s: %v", last.Point.ID, points)
	}
	s.ok("repo", "check", "--repo", s.repo, "--keys", s.keys)
	s.git("fsck", "--strict", "--full")
	if left := s.git("for-each-ref", "refs/appbur"); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// change makes, changes or deletes one of some ConfigMaps.
func change(t *testing.T, client kubernetes.Interface, n int) {
	configMaps := client.CoreV1().ConfigMaps("default")
	object := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("busy-", n%17)},
		Data:       map[string]string{"value": fmt.Sprint(n)},
	}
	_, err := configMaps.Create(t.Context(), object, metav1.CreateOptions{})
	if err == nil {
		return
	}
	if n%5 == 0 && object.Name != "busy-0" {
		err = configMaps.Delete(t.Context(), object.Name, metav1.DeleteOptions{})
	} else {
		_, err = configMaps.Update(t.Context(), object, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Errorf("the cluster: %v", err)
	}
}

// processes works on the repository of a story by processes of their own.
type processes struct {
	*story
	binary string
	done   chan struct{}
	beside sync.WaitGroup
}

// buildBinary builds the command as a user does.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "appbur")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "github.com/appbur/appbur/cmd/appbur")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// again does something until the end.
func (p *processes) again(work func(n int)) {
	p.beside.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-p.done:
				return
			default:
				work(n)
			}
		}
	})
}

func (p *processes) end() {
	close(p.done)
	p.beside.Wait()
}

// appbur runs one command, which has to work.
func (p *processes) appbur(args ...string) {
	if out, err := exec.CommandContext(p.Context(), p.binary, args...).CombinedOutput(); err != nil {
		p.Errorf("appbur %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// git runs a command of stock git. It looks once more for an object that it misses, so
// where packs are replaced twice in that moment it says so and ends; it has to work when
// it is run again.
func (p *processes) git(args ...string) {
	const tries = 5
	var out []byte
	var err error
	for range tries {
		if out, err = gitCommand(p.Context(), p.repo, args...).CombinedOutput(); err == nil {
			return
		}
	}
	p.Errorf("git %s: %v\n%s", strings.Join(args, " "), err, out)
}

// daemonProcess is a process that runs until it is told to end.
type daemonProcess struct {
	command *exec.Cmd
	log     bytes.Buffer
}

func (p *processes) daemon(args ...string) *daemonProcess {
	p.Helper()
	d := &daemonProcess{}
	return p.start(d, &d.log, args)
}

// daemonInto is daemon with its log elsewhere.
func (p *processes) daemonInto(log io.Writer, args ...string) *daemonProcess {
	p.Helper()
	return p.start(&daemonProcess{}, log, args)
}

func (p *processes) start(d *daemonProcess, log io.Writer, args []string) *daemonProcess {
	p.Helper()
	d.command = exec.CommandContext(context.WithoutCancel(p.Context()), p.binary, args...)
	d.command.Stdout, d.command.Stderr = log, log
	if err := d.command.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if d.command.ProcessState == nil {
			_ = d.command.Process.Kill()
			_ = d.command.Wait()
		}
	})
	return d
}

// stop ends the process as an administrator does.
func (d *daemonProcess) stop() error {
	if err := d.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return d.command.Wait()
}
