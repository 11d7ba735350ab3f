//go:build integration

package capture_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// world is a real cluster, a faulty way to it and a repository. The test changes the
// cluster directly, appbur sees it through the proxy.
type world struct {
	*testing.T
	// ctx outlives the test by its cleanup.
	ctx      context.Context
	cluster  *testcluster.Cluster
	identity appbur.Cluster
	client   dynamic.Interface
	proxy    *faultproxy.Proxy
	archive
}

// archive is a repository and its keys.
type archive struct{ dir, keys string }

// options make lists of several pages of few objects, and timeouts short.
var options = exporter.Options{PageSize: 2, Tries: 2, Timeout: 30 * time.Second}

func newWorld(t *testing.T, version string, protocol faultproxy.Protocol) *world {
	t.Helper()
	w := &world{T: t, ctx: context.WithoutCancel(t.Context()), cluster: clusterOf(t, version)}
	var err error
	if w.client, err = dynamic.NewForConfig(w.cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	if w.identity, err = w.exporter(w.cluster.RESTConfig()).Cluster(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.proxy = faultproxy.New(t, w.cluster.RESTConfig(), protocol)
	w.archive = w.newArchive()
	return w
}

func (w *world) newArchive() archive {
	w.Helper()
	dir := w.TempDir()
	a := archive{dir: filepath.Join(dir, "repo.git"), keys: filepath.Join(dir, "keys")}
	if _, err := repository.Create(w.ctx, a.dir, a.keys, "", nil, rand.Reader, time.Now); err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) exporter(config *rest.Config) *exporter.Exporter {
	w.Helper()
	e, err := exporter.New(config, manifest.Default(), options)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// in returns the world as a part of another test, whose failures are its own.
func (w *world) in(t *testing.T) *world {
	part := *w
	part.T = t
	return &part
}

// writer is what a new process begins with.
func (w *world) writer(a archive) *repository.Writer {
	w.Helper()
	repo, err := repository.Open(a.dir)
	if err != nil {
		w.Fatal(err)
	}
	keys, err := keyring.Load(a.keys)
	if err != nil {
		w.Fatal(err)
	}
	// The guards are off: what they would hold back must not go in the first place.
	guards := repository.Guards{AdoptCluster: true, AllowCollapse: true}
	writer, err := repo.Begin(w.identity, manifest.Default().Version(), keys, guards, rand.Reader, time.Now)
	if err != nil {
		w.Fatal(err)
	}
	return writer
}

// backup is what `appbur backup` does up to the commit. The error is that of a
// capture that could not be made; nothing is committed then.
func (w *world) backup(config *rest.Config, a archive) (appbur.Coverage, error) {
	w.Helper()
	writer := w.writer(a)
	seen, err := capture.Run(w.ctx, w.exporter(config), writer, nil)
	if err != nil {
		return appbur.Coverage{}, err
	}
	if _, err := writer.Commit(w.ctx, time.Now(), seen.Coverage); err != nil {
		w.Fatal(err)
	}
	return seen.Coverage, nil
}

// mustBackup is a backup without faults and without holes.
func (w *world) mustBackup(a archive) {
	w.Helper()
	coverage, err := w.backup(w.cluster.RESTConfig(), a)
	if err != nil {
		w.Fatal(err)
	}
	if !coverage.Complete() {
		w.Fatalf("a backup without faults has holes: %s", holes(coverage))
	}
}

// tree returns the blobs of the manifests on main by path.
func (a archive) tree(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	for line := range strings.Lines(a.git(t, "ls-tree", "-r", "main")) {
		head, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if appbur.IsManifestPath(path) {
			files[path] = strings.Fields(head)[2]
		}
	}
	return files
}

func (a archive) git(t testing.TB, args ...string) string {
	t.Helper()
	command := exec.Command("git", append([]string{"-C", a.dir, "-c", "core.quotePath=false"}, args...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// equalsFresh checks that the repository holds what a new repository would. Secrets
// are compared by their paths: their ciphertext belongs to the keys.
func (w *world) equalsFresh() {
	w.Helper()
	fresh := w.newArchive()
	w.mustBackup(w.archive)
	w.mustBackup(fresh)
	got, want := w.tree(w), fresh.tree(w)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		switch blob, ok := got[path]; {
		case !ok:
			w.Errorf("%s is missing", path)
		case blob != want[path] && !strings.Contains(path, "/secret/"):
			w.Errorf("%s differs from that of a fresh repository", path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[path]; !ok {
			w.Errorf("%s is left over", path)
		}
	}
}

// create creates an object on the server directly and waits for its type to be
// served.
func (w *world) create(resource string, object map[string]any) {
	w.Helper()
	u := &unstructured.Unstructured{Object: object}
	gvr := u.GroupVersionKind().GroupVersion().WithResource(resource)
	w.eventually("create "+resource+" "+u.GetName(), func() error {
		_, err := w.resource(gvr, u.GetNamespace()).Create(w.ctx, u.DeepCopy(), metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}

// remove deletes an object on the server directly and waits until it is gone.
func (w *world) remove(gvr schema.GroupVersionResource, namespace, name string) {
	w.Helper()
	client := w.resource(gvr, namespace)
	if err := client.Delete(w.ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		w.Fatal(err)
	}
	w.eventually("delete "+gvr.Resource+" "+name, func() error {
		_, err := client.Get(w.ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is still there (%w)", err)
	})
}

func (w *world) resource(gvr schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return w.client.Resource(gvr)
	}
	return w.client.Resource(gvr).Namespace(namespace)
}

func (w *world) eventually(what string, do func() error) {
	w.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%s: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// holes writes what is missing from a coverage, one a line.
func holes(c appbur.Coverage) string {
	var b strings.Builder
	for _, t := range c.Types {
		if !t.Complete {
			fmt.Fprintf(&b, "\n%s: %s", t.GroupKind(), t.Reason)
		}
	}
	for _, g := range c.Groups {
		fmt.Fprintf(&b, "\ngroup %s: %s", g.GroupVersion, g.Reason)
	}
	return b.String()
}
