//go:build integration

package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// mountedConfig is a configuration as Kubernetes mounts it from a ConfigMap: a change swaps one symbolic link.
type mountedConfig struct {
	*testing.T
	dir, fixed string
	versions   int
}

// set changes the file to one that says also what is the same in all of them.
func (m *mountedConfig) set(text string) {
	m.Helper()
	m.versions++
	version := fmt.Sprintf("..v%d", m.versions)
	steps := []func() error{
		func() error { return os.Mkdir(filepath.Join(m.dir, version), 0o700) },
		func() error {
			return os.WriteFile(filepath.Join(m.dir, version, "appbur.yaml"), []byte(m.fixed+text), 0o600)
		},
		func() error { return os.Symlink(version, filepath.Join(m.dir, "..data_tmp")) },
		func() error { return os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			m.Fatal(err)
		}
	}
}

func (m *mountedConfig) path() string { return filepath.Join(m.dir, "appbur.yaml") }

// startProcess starts appbur as a process of its own.
func (s *story) startProcess(binary string, args ...string) (*running, *os.Process) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	r := &running{cancel: cancel, ended: make(chan int, 1)}
	command := exec.CommandContext(ctx, binary, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Stdout, command.Stderr = r, r
	if err := command.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		_ = command.Wait()
		r.ended <- command.ProcessState.ExitCode()
	}()
	s.Cleanup(func() {
		r.stop()
		if s.Failed() {
			s.Log(r.log())
		}
	})
	return r, command.Process
}

// appbur run goes by a configuration, and by what becomes of it while it runs: a good change takes effect without a
// restart and loses nothing that was gathered, a bad one changes nothing.
func TestRunGoesByAConfigurationThatChanges(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.37.1")
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.ok("init", s.repo, "--keys", s.keys)
	remote := filepath.Join(t.TempDir(), "copy.git")
	s.git("init", "-q", "--bare", remote)
	s.ok("remotes", "add", "copy", remote, "--repo", s.repo, "--keys", s.keys)

	config := &mountedConfig{T: t, dir: t.TempDir()}
	config.fixed = fmt.Sprintf("apiVersion: appbur.io/v1alpha1\nkind: Configuration\nrepository: {path: %q, keys: %q}\ncluster: {kubeconfig: %q}\n"+
		"reload: {every: 200ms}\n", s.repo, s.keys, cluster.Kubeconfig)
	config.set("watch: {quiet: 1h, limit: 2h}\npush: {enabled: false}\n")
	if err := os.Symlink(filepath.Join("..data", "appbur.yaml"), config.path()); err != nil {
		t.Fatal(err)
	}
	create := func(name string) {
		t.Helper()
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"value": name}}
		if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	saved := func(name string) bool {
		return s.tryGit("show", "main:namespaces/default/configmap/"+name+".yaml") != ""
	}

	// It starts from the file. With an hour of quiet it commits nothing until another file says something else.
	create("first")
	daemon, process := s.startProcess(buildBinary(t), "run", "--config", config.path(), "--maintain-after", "7")
	s.eventually("it watches", func() bool { return strings.Contains(daemon.log(), "msg=watching") })
	if want := "msg=setting setting=maintenance.afterCommits value=7 from=--maintain-after"; !strings.Contains(daemon.log(), want) {
		t.Errorf("the log lacks %s", want)
	}
	if want := "msg=setting setting=watch.quiet value=1h from=" + config.path() + ":6"; !strings.Contains(daemon.log(), want) {
		t.Errorf("the log lacks %s", want)
	}
	config.set("watch: {quiet: 300ms, limit: 5s}\npush: {enabled: false}\n")
	s.eventually("the shorter quiet takes effect", func() bool { return saved("first") })
	if tip := s.tryGit("--git-dir", remote, "rev-parse", "--verify", "-q", "main"); tip != "" {
		t.Error("it was pushed although the configuration says not to")
	}

	// A bad file is told with everything that is wrong, and the settings before stay in force.
	config.set("watch: {quite: 1h, limit: 3}\nwebhooks: {}\n")
	for _, want := range []string{"watch.quite: there is no such setting", "watch.limit: `3` stands where", "webhooks: there is no such setting"} {
		s.eventually("the fault is told", func() bool { return strings.Contains(daemon.log(), want) })
	}
	if !strings.Contains(daemon.log(), "the configuration is refused; the settings before stay in force") {
		t.Error("it is not told what holds now")
	}
	for n := range 40 {
		create(fmt.Sprint("many-", n))
	}
	s.eventually("commits are made as before", func() bool { return saved("many-0") && saved("many-39") })

	// What a guard keeps back is committed when the configuration allows it, and remotes get what they lack.
	if err := client.CoreV1().ConfigMaps("default").DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the guard refuses", func() bool { return strings.Contains(daemon.log(), "a guard refused the commit") })
	if !saved("many-0") {
		t.Error("the guard refused, and the file is gone")
	}
	config.set("watch: {quiet: 300ms, limit: 5s}\nguards: {allowCollapse: true}\n")
	s.eventually("the collapse is committed", func() bool { return !saved("many-0") })
	s.eventually("the remote has it", func() bool {
		return s.tryGit("--git-dir", remote, "rev-parse", "main") == s.git("rev-parse", "main")
	})

	// What cannot change while it runs is told, and the signal has the file read again.
	config.set("watch: {quiet: 300ms, limit: 5s}\nlog: {format: json}\nguards: {adoptCluster: true}\n")
	s.eventually("a setting that waits is told", func() bool {
		return strings.Contains(daemon.log(), `"msg":"a setting has changed that takes effect after a restart","setting":"guards.adoptCluster"`)
	})
	if err := process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.eventually("the signal is answered", func() bool { return strings.Contains(daemon.log(), `"changes":0}`) })

	if code := daemon.stop(); code != ExitDone {
		t.Errorf("run ended with %d", code)
	}
	if report := s.backup(cluster); report.Committed {
		t.Errorf("a backup after run made a commit:\n%s", s.git("show", "--stat", report.Commit))
	}
}
