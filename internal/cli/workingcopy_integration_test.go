//go:build integration

package cli

import (
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testremote"
)

// disposable is a daemon whose disk is not kept, with two real Git servers, each behind a proxy that can lose
// connections. Processes are killed as a kubelet or the kernel does.
type disposable struct {
	*processes
	t            *testing.T
	cluster      *testcluster.Cluster
	client       *kubernetes.Clientset
	forge, vault string // the bare repositories
	web, shell   *testremote.Proxy
	remotes      []string
	running      *loggedProcess
}

// loggedProcess is a daemon whose log can be read while it runs.
type loggedProcess struct {
	*daemonProcess
	mu   sync.Mutex
	text strings.Builder
}

func (l *loggedProcess) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *loggedProcess) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newDisposable(t *testing.T) *disposable {
	d := &disposable{processes: &processes{story: newStory(t), binary: buildBinary(t)}, t: t, cluster: testcluster.New(t, "1.37.1")}
	client, err := kubernetes.NewForConfig(d.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	d.client = client
	d.forge, d.vault = testremote.Bare(t), testremote.Bare(t)
	https, shell := testremote.HTTPS(t, filepath.Dir(d.forge)), testremote.SSH(t)
	d.web, d.shell = testremote.NewProxy(t, https.Listener.Addr().String()), testremote.NewProxy(t, shell.Address)
	known, err := os.ReadFile(shell.KnownHosts(t, d.shell.Address))
	if err != nil {
		t.Fatal(err)
	}

	// Keys of a cluster that has no history yet, as they are mounted.
	d.ok("init", filepath.Join(t.TempDir(), "elsewhere.git"), "--keys", d.keys)
	if err := os.Remove(filepath.Join(d.keys, keyring.SeenFile)); err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{
		"forge/ca.crt": https.CA, "vault/identity": shell.ClientKey, "vault/known_hosts": known,
	} {
		path = filepath.Join(d.keys, "remotes", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	url := strings.Replace(https.Repo("mgmt.git"), https.Listener.Addr().String(), d.web.Address, 1)
	d.remotes = []string{"--remote", "forge=" + url, "--remote", "vault=" + shell.Repo(d.shell.Address, d.vault)}
	return d
}

// begin starts the daemon as a process.
func (d *disposable) begin(more ...string) {
	d.Helper()
	args := append([]string{
		"run", "--repo", d.repo, "--keys", d.keys, "--kubeconfig", d.cluster.Kubeconfig, "--quiet", "300ms", "--limit", "5s",
		"--listen", "0", "--schedule", "yearly=@yearly",
	}, d.remotes...)
	log := &loggedProcess{}
	log.daemonProcess = d.daemonInto(log, append(args, more...)...)
	d.running = log
}

// kill ends the daemon and takes its disk away.
func (d *disposable) kill() {
	d.Helper()
	if err := d.running.command.Process.Kill(); err != nil {
		d.Fatal(err)
	}
	_ = d.running.command.Wait()
	if err := os.RemoveAll(d.repo); err != nil {
		d.Fatal(err)
	}
}

func (d *disposable) says(what string) {
	d.Helper()
	d.until("the log says: "+what, func() bool { return strings.Contains(d.running.said(), what) })
}

// until is eventually, for a repository that may not be there.
func (d *disposable) until(what string, done func() bool) {
	d.Helper()
	defer func() {
		if d.Failed() {
			d.Logf("the log:\n%s", d.running.said())
		}
	}()
	untilDone(d.t, what, done)
}

// get asks the daemon over HTTP; what cannot be asked yet is "".
func (d *disposable) get(path string) string {
	found := servedAt.FindStringSubmatch(d.running.said())
	if found == nil {
		return ""
	}
	answer, err := http.Get("http://" + found[1] + path)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	data, _ := io.ReadAll(answer.Body)
	return string(data)
}

func (d *disposable) ready() {
	d.Helper()
	d.until("it is ready", func() bool { return d.get("/readyz") == "ok" })
}

func (d *disposable) create(name string) {
	d.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := d.client.CoreV1().ConfigMaps("default").Create(d.Context(), object, metav1.CreateOptions{}); err != nil {
		d.Fatal(err)
	}
}

// reaches waits until a remote has an object.
func (d *disposable) reaches(bare, name string) {
	d.Helper()
	d.until(name+" is at "+bare, func() bool {
		_, err := testremote.TryGit(bare, "cat-file", "-e", "main:namespaces/default/configmap/"+name+".yaml")
		return err == nil
	})
}

// refsOf is where everything is at a remote.
func refsOf(t testing.TB, bare string) string { return testremote.Git(t, bare, "show-ref") }

// A daemon begins the history of a cluster at remotes that are empty. Killed, with its disk taken away, it goes on from
// a clone: the same history and points, and nothing is written as long as nothing has changed.
func TestTheDiskOfADaemonNeedNotBeKept(t *testing.T) {
	d := newDisposable(t)
	d.create("first")
	d.begin()
	d.says("began a new history: no remote has one yet")
	d.reaches(d.forge, "first")
	d.reaches(d.vault, "first")
	for _, bare := range []string{d.forge, d.vault} {
		d.until("the point is at "+bare, func() bool { return testremote.Git(t, bare, "tag") != "" })
	}
	d.until("both remotes are the same", func() bool { return refsOf(t, d.forge) == refsOf(t, d.vault) })
	before := refsOf(t, d.forge)

	d.kill()
	d.begin()
	d.says("cloned the working copy from a remote")
	d.ready()
	if err := d.running.stop(); err != nil {
		t.Fatalf("%v\n%s", err, d.running.said())
	}
	if after := refsOf(t, d.forge); after != before {
		t.Errorf("nothing had changed, and the remote had\n%s\nand has\n%s", before, after)
	}
	if strings.Contains(d.running.said(), "msg=committed") {
		t.Errorf("nothing had changed:\n%s", d.running.said())
	}

	// All that a person does works with the clone.
	copied := []string{"--repo", d.repo, "--keys", d.keys}
	if out := d.ok(append([]string{"points", "list"}, copied...)...); strings.Count(out, "complete") != 1 {
		t.Errorf("points list says\n%s", out)
	}
	target := append(copied, "--kubeconfig", d.cluster.Kubeconfig)
	d.ok(append([]string{"verify", "latest"}, target...)...)
	d.ok(append([]string{"restore", "latest", "--yes"}, target...)...)
	d.ok(append([]string{"repo", "check"}, copied...)...)
	testremote.Fsck(t, d.forge)
	testremote.Fsck(t, d.vault)
}

// Without a remote that answers nothing begins: the log, /readyz and the metrics say what is waited for. A remote that comes
// back lets the daemon go on, from the newest history that any remote has.
func TestADaemonWaitsForARemoteRatherThanBeginAnew(t *testing.T) {
	d := newDisposable(t)
	d.create("first")
	d.begin()
	d.reaches(d.vault, "first")
	d.reaches(d.forge, "first")
	d.web.Set(testremote.Fault{Sent: 1}) // the web server is gone for a while, and misses what comes
	d.web.Cut()
	d.create("second")
	d.reaches(d.vault, "second")
	d.until("it is known that a remote has it", func() bool {
		seen, _, err := keyring.LastSeen(d.keys, "remote")
		return err == nil && seen.Commit.String() == testremote.Git(t, d.vault, "rev-parse", "main")
	})
	d.kill()

	d.shell.Set(testremote.Fault{Sent: 1})
	d.begin()
	d.says("waiting for a remote; nothing of the cluster is saved until then")
	d.until("/readyz says what is waited for", func() bool {
		text := d.get("/readyz")
		return strings.Contains(text, "there is no working copy yet") && strings.Contains(text, "remote forge") &&
			strings.Contains(text, "remote vault")
	})
	text := d.get("/metrics")
	if !strings.Contains(text, "\nappbur_working_copy_ready 0\n") || !strings.Contains(text, `appbur_failures_total{operation="fetch",reason="`) {
		t.Error("the metrics do not say that it waits")
	}
	if _, err := os.Stat(d.repo); !os.IsNotExist(err) {
		t.Errorf("it began: %v", err)
	}

	// The one that is behind comes back first, and is not taken for the newest.
	d.web.Set(testremote.Fault{})
	d.says("the remotes that answer have less than was seen")
	d.shell.Set(testremote.Fault{})
	d.ready()
	d.create("third")
	d.reaches(d.forge, "third")
	d.reaches(d.vault, "third")
	for _, bare := range []string{d.forge, d.vault} {
		if commits := testremote.Git(t, bare, "rev-list", "--max-parents=0", "main"); strings.Count(commits, "\n") != 0 {
			t.Errorf("%s has two beginnings: %s", bare, commits)
		}
	}
	if err := d.running.stop(); err != nil {
		t.Errorf("%v\n%s", err, d.running.said())
	}
}

// A commit that no remote had when the disk was lost is lost with it, and nothing else is: the daemon says so, and what the
// cluster still has is committed again.
func TestWhatWasNotPushedIsReadAgain(t *testing.T) {
	d := newDisposable(t)
	d.create("first")
	d.begin()
	d.reaches(d.vault, "first")
	d.reaches(d.forge, "first")
	for _, p := range []*testremote.Proxy{d.web, d.shell} {
		p.Set(testremote.Fault{Sent: 1})
		p.Cut()
	}
	d.create("second")
	d.until("it is committed", func() bool { return d.tryGit("show", "main:namespaces/default/configmap/second.yaml") != "" })
	lost := strings.TrimSpace(d.tryGit("rev-parse", "main"))
	d.kill()

	for _, p := range []*testremote.Proxy{d.web, d.shell} {
		p.Set(testremote.Fault{})
	}
	d.begin()
	d.says("commits that no remote held are lost with an earlier working copy")
	d.reaches(d.vault, "second")
	d.reaches(d.forge, "second")
	if _, err := testremote.TryGit(d.vault, "cat-file", "-e", lost); err == nil {
		t.Error("the commit was not lost, so nothing was shown")
	}
	if err := d.running.stop(); err != nil {
		t.Errorf("%v\n%s", err, d.running.said())
	}
}

// A daemon that is killed in the middle of its clone leaves nothing that counts: the next start clones anew, and takes away
// what the first one left.
func TestACloneThatIsKilledIsBegunAnew(t *testing.T) {
	d := newDisposable(t)
	// What does not compress, so that a clone can be stopped in the middle.
	random := make([]byte, 300<<10)
	_, _ = rand.Read(random)
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "first"}, BinaryData: map[string][]byte{"random": random}}
	if _, err := d.client.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	d.begin()
	d.reaches(d.forge, "first")
	d.until("the point is there", func() bool { return testremote.Git(t, d.forge, "tag") != "" })
	before := refsOf(t, d.forge)
	d.kill()

	unfinished := func() []string {
		found, err := filepath.Glob(filepath.Join(filepath.Dir(d.repo), ".appbur-clone-*", "objects", "pack", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	d.shell.Set(testremote.Fault{Sent: 1})
	d.web.Set(testremote.Fault{Received: 100 << 10, Hang: true})
	d.begin()
	d.until("it is in the middle of a clone", func() bool { return len(unfinished()) > 0 })
	d.kill()
	if len(unfinished()) == 0 {
		t.Fatal("nothing was left, so nothing was shown")
	}

	d.shell.Set(testremote.Fault{})
	d.web.Set(testremote.Fault{})
	d.begin()
	d.ready()
	if err := d.running.stop(); err != nil {
		t.Errorf("%v\n%s", err, d.running.said())
	}
	if left := unfinished(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	if after := refsOf(t, d.forge); after != before {
		t.Errorf("the remote had\n%s\nand has\n%s", before, after)
	}
	testremote.Fsck(t, d.repo)
}
