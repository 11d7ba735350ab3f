//go:build integration && linux

package audit_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// vanishLimit is within what a source that vanished is noticed, told and replaced.
const vanishLimit = 45 * time.Second

// told is a repository of a cluster whose API server tells who writes.
type told struct {
	*testing.T
	cluster *testcluster.Cluster
	client  kubernetes.Interface
	binary  string
	repo    string
	keys    string
	log     fmt.Stringer
}

// newTold starts the cluster, builds the program and makes the repository.
func newTold(t *testing.T, log fmt.Stringer, flags ...string) *told {
	t.Helper()
	dir := t.TempDir()
	b := &told{
		T: t, binary: filepath.Join(dir, "appbur"), repo: filepath.Join(dir, "mgmt.git"), keys: filepath.Join(dir, "keys"), log: log,
	}
	version, err := appbur.ParseKubeVersion("1.37.1")
	if err != nil {
		t.Fatal(err)
	}
	b.run(exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", b.binary, "github.com/appbur/appbur/cmd/appbur"))
	b.cluster = testcluster.NewWith(t, testcluster.Options{Version: version, APIServerArgs: flags})
	if b.client, err = kubernetes.NewForConfig(b.cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	b.run(exec.CommandContext(t.Context(), b.binary, "init", b.repo, "--keys", b.keys))
	return b
}

// lockedText is a log that is read while it is written.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (b *told) run(command *exec.Cmd) {
	b.Helper()
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// write makes a ConfigMap.
func (b *told) write(name string) {
	b.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"a": "b"}}
	if _, err := b.client.CoreV1().ConfigMaps("default").Create(b.Context(), object, metav1.CreateOptions{}); err != nil {
		b.Fatal(err)
	}
}

// knownOnce waits until events say who writes. Of what was written before the first list nobody may know it.
func (b *told) knownOnce() {
	b.Helper()
	n := 0
	b.within(time.Now(), "who writes is known", func() bool {
		n++
		name := fmt.Sprint("before-", n)
		b.write(name)
		b.within(time.Now(), "it is committed", func() bool { return b.committed(name) })
		return b.knows(name)
	})
}

func (b *told) committed(name string) bool {
	file := "main:namespaces/default/configmap/" + name + ".yaml"
	return exec.CommandContext(b.Context(), "git", "-C", b.repo, "cat-file", "-e", file).Run() == nil
}

// knows reports whether an audit event has said who made a ConfigMap, in the commit or in a note.
func (b *told) knows(name string) bool {
	out, err := exec.CommandContext(b.Context(), b.binary, "log", "configmap/"+name, "--namespace", "default", "--repo", b.repo,
		"--json").Output()
	return err == nil && bytes.Contains(bytes.ReplaceAll(out, []byte(" "), nil), []byte(`"actorSource":"audit"`))
}

// dropped is what the API server says of events that it gave up.
func (b *told) dropped() string {
	b.Helper()
	text, err := b.client.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `apiserver_audit_error_total{plugin="webhook"}`) && !strings.HasSuffix(line, " 0\n") {
			return line
		}
	}
	return ""
}

// within waits for a condition until the limit after a beginning.
func (b *told) within(began time.Time, what string, done func() bool) {
	b.Helper()
	for !done() {
		if time.Since(began) > vanishLimit {
			b.Fatalf("%s: not within %s\n%s", what, vanishLimit, b.log.String())
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-b.Context().Done():
			b.Fatal(b.Context().Err())
		}
	}
}
