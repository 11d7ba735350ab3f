//go:build unix

package kubebuild

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/appbur/appbur"
)

// fakeVersion is a release that exists in the tests' sources only.
var fakeVersion = appbur.KubeVersion{Major: 1, Minor: 99, Patch: 3}

// apiServerSource is the smallest program that can be asked for its version.
const apiServerSource = `package main

import (
	"fmt"

	"k8s.io/kubernetes/version"
)

func main() { fmt.Println("Kubernetes " + version.Version) }
`

// fakeTools pins both programs of a control plane.
const fakeTools = `
tool (
	k8s.io/kubernetes/cmd/kube-apiserver
	k8s.io/kubernetes/cmd/kube-controller-manager
)
`

// fakeSources writes modules that have the names of the real ones and build in
// a second without a network.
func fakeSources(t *testing.T) Sources {
	t.Helper()
	root := t.TempDir()

	for path, content := range map[string]string{
		"go.mod":                                               "module " + mainModule + "\n\ngo 1.26.0\n",
		"internal/deep/doc.go":                                 "package deep\n",
		"hack/kube/etcd/go.mod":                                "module go.etcd.io/etcd/server/v3\n\ngo 1.26.0\n",
		"hack/kube/etcd/go.sum":                                "",
		"hack/kube/etcd/main.go":                               "package main\n\nfunc main() {}\n",
		"hack/kube/1.99.3/go.mod":                              "module k8s.io/kubernetes\n\ngo 1.26.0\n" + fakeTools,
		"hack/kube/1.99.3/go.sum":                              "k8s.io/kubernetes v1.99.3 h1:c291cmNl=\nk8s.io/kubernetes v1.99.3/go.mod h1:bW9k=\n",
		"hack/kube/1.99.3/version/value.go":                    "package version\n\nvar Version = \"v1.99.3\"\n",
		"hack/kube/1.99.3/cmd/kube-apiserver/main.go":          apiServerSource,
		"hack/kube/1.99.3/cmd/kube-controller-manager/main.go": apiServerSource,
		"hack/kube/1.100.0/go.mod":                             "module other\n",
		"hack/kube/1.9.0/go.mod":                               "module another\n",
		"hack/kube/1.98.0/README":                              "no go.mod, no version\n",
		"hack/kube/v1.97.0/go.mod":                             "module misnamed\n",
	} {
		write(t, filepath.Join(root, path), content)
	}

	sources, err := FindSources(filepath.Join(root, "internal", "deep"))
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// script writes a program that answers --version.
func script(t *testing.T, path, answer string) {
	t.Helper()
	write(t, path, "#!/bin/sh\necho '"+answer+"'\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// recorder keeps what a build reports.
type recorder struct {
	mu   sync.Mutex
	seen []Progress
}

func (r *recorder) report(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, p)
}

// finished lists the programs that were built, in order.
func (r *recorder) finished() []Program {
	r.mu.Lock()
	defer r.mu.Unlock()
	var built []Program
	for _, p := range r.seen {
		if p.Phase == Finished {
			built = append(built, p.Program)
		}
	}
	return built
}
