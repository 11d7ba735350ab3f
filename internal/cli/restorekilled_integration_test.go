//go:build integration

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore/session"
)

var (
	killsFlag = flag.Int("kills", 100, "restores that are killed at a random request")
	killSeed  = flag.Uint64("kill-seed", 1, "seed of the requests at which restores are killed")
)

// valves are custom resources with a status and an owned Secret, and enough around them that a
// restore takes a while.
const valves = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: valves.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Valve, plural: valves, singular: valve, listKind: ValveList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// A restore that is killed at any request is finished by running it again: the cluster is equal
// in the end, the state of the application was imported once, and no lock is in the way.
func TestARestoreKilledAtAnyRequestIsFinishedByTheNext(t *testing.T) {
	w := newKilledWorld(t)
	random := rand.New(rand.NewPCG(*killSeed, 0))
	kills, rounds, imports := 0, 0, 0
	w.killedBetweenCommitAndReport()
	for kills < *killsFlag {
		rounds++
		args := w.restoring(fmt.Sprintf("shop-%d", rounds))
		imports++
		for done := false; !done; {
			at := 1 + random.IntN(w.requests*5/4) // some are not killed
			var killed bool
			killed, done = w.killedAt(args, faultproxy.Rule{Match: faultproxy.Any, After: at - 1, Times: 1}, random.IntN(2) == 0)
			if killed {
				kills++
			}
		}

		w.ok(append([]string{"verify", "latest"}, args[2:len(args)-2]...)...)
		if got := int(w.imported.Load()); got != imports {
			t.Fatalf("seed %d, round %d: the state was imported %d times in %d restores", *killSeed, rounds, got, imports)
		}
	}
	t.Logf("%d kills in %d restores", kills, rounds)
}

// killedWorld is a cluster behind a proxy that kills a restore, with an application that counts its
// imports.
type killedWorld struct {
	*town
	binary     string
	proxy      *faultproxy.Proxy
	kubeconfig string
	app        string
	imported   atomic.Int64
	// requests is how many a whole restore sends.
	requests int
	// last is the id of the last restore that was complete.
	last string
}

func newKilledWorld(t *testing.T) *killedWorld {
	c := newTown(t, "1.37.1")
	w := &killedWorld{town: c, binary: buildBinary(t), proxy: faultproxy.New(t, c.cluster.RESTConfig(), faultproxy.HTTP2)}
	w.kubeconfig = kubeconfigOf(t, w.proxy.RESTConfig())
	w.app = "shop/rows=" + serveApp(t, "unix://"+filepath.Join(t.TempDir(), "s"),
		countingApp{contracttest.NewMemory(map[string][]contract.Row{"rows": {contract.Row(`{"id":1}`)}}), &w.imported}, contract.Options{
			ID: "example.com", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
			Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
		})
	w.addValves()
	w.backup(c.cluster, "--app", w.app)

	var sent atomic.Int64
	w.proxy.Set(faultproxy.Rule{Match: faultproxy.Any, Fault: func(out http.ResponseWriter, r *http.Request, forward http.Handler) {
		sent.Add(1)
		forward.ServeHTTP(out, r)
	}})
	if out, err := exec.CommandContext(t.Context(), w.binary, w.restoring("shop-0")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.requests = int(sent.Load())
	w.imported.Store(0)
	w.last = w.record().ID
	return w
}

// addValves adds custom resources with status and owned Secrets.
func (w *killedWorld) addValves() {
	w.made(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}, "", valves)
	w.eventually("valves are served", func() bool {
		_, err := w.client.Resource(valveResource).Namespace("shop").List(w.Context(), metav1.ListOptions{})
		return err == nil
	})
	for n := range 4 {
		name := fmt.Sprint("valve-", n)
		valve := w.made(valveResource, "shop", fmt.Sprintf(
			`{apiVersion: example.org/v1, kind: Valve, metadata: {name: %s, namespace: shop}, spec: {open: true}}`, name))
		valve.Object["status"] = map[string]any{"phase": "Open"}
		_, err := w.client.Resource(valveResource).Namespace("shop").UpdateStatus(w.Context(), valve, metav1.UpdateOptions{})
		if err != nil {
			w.Fatal(err)
		}
		w.create(fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: %s, namespace: shop, ownerReferences: [
			{apiVersion: example.org/v1, kind: Valve, name: %s, uid: %s}]}, stringData: {key: hush}}`, name, name, valve.GetUID()))
	}
}

// made creates an object and returns it.
func (w *killedWorld) made(resource schema.GroupVersionResource, namespace, document string) *unstructured.Unstructured {
	w.Helper()
	content, err := manifest.Decode([]byte(document))
	if err != nil {
		w.Fatal(err)
	}
	object, err := w.client.Resource(resource).Namespace(namespace).
		Create(w.Context(), &unstructured.Unstructured{Object: content}, metav1.CreateOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return object
}

var valveResource = schema.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "valves"}

func (w *killedWorld) restoring(namespace string) []string {
	return []string{
		"restore", "latest", "-n", "shop", "--map-namespace", "shop=" + namespace, "--repo", w.repo, "--keys", w.keys,
		"--kubeconfig", w.kubeconfig, "--app", w.app, "--yes", "--undo-newer",
	}
}

// killedBetweenCommitAndReport kills a restore whose application has committed the import, before
// the target knows of it. The next run is the same restore, and the application knows that.
func (w *killedWorld) killedBetweenCommitAndReport() {
	w.Helper()
	report := faultproxy.Rule{Times: 1, Match: func(r *http.Request) bool {
		return w.imported.Load() > 0 && r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/configmaps/"+session.Name)
	}}
	args := w.restoring("committed")
	if killed, complete := w.killedAt(args, report, false); !killed || complete {
		w.Fatalf("killed %t, complete %t", killed, complete)
	}
	w.ok(args...)
	if got := w.imported.Load(); got != 1 || w.record().State != session.Complete {
		w.Errorf("the state was imported %d times", got)
	}
	w.imported.Store(0)
	w.last = w.record().ID
}

// killedAt runs a restore that is killed at a request: before the server gets it, or after it has
// answered and before the answer arrives. It reports whether it was, and whether the restore is
// complete, by what the target says.
func (w *killedWorld) killedAt(args []string, rule faultproxy.Rule, answered bool) (killed, complete bool) {
	w.Helper()
	command := exec.CommandContext(w.Context(), w.binary, args...)
	var out strings.Builder
	command.Stdout, command.Stderr = &out, &out
	rule.Fault = func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
		if answered {
			forward.ServeHTTP(httptest.NewRecorder(), r)
		}
		_ = command.Process.Kill()
		panic(http.ErrAbortHandler)
	}
	w.proxy.Set(rule)
	if err := command.Start(); err != nil {
		w.Fatal(err)
	}
	err := command.Wait()
	killed = w.proxy.Hits(0) > 0
	if err != nil && !killed {
		w.Fatalf("seed %d: a restore that was not killed: %v\n%s", *killSeed, err, out.String())
	}
	w.proxy.Set()
	record := w.record()
	complete = record.State == session.Complete && record.ID != w.last
	if complete {
		w.last = record.ID
	}
	return killed, complete
}

// record is what the target says of the last restore.
func (w *killedWorld) record() session.Record {
	w.Helper()
	object, err := w.of("ConfigMap", session.Namespace).Get(w.Context(), session.Name, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	data, _ := object.Object["data"].(map[string]any)
	text, _ := data["restore.json"].(string)
	var record session.Record
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		w.Fatal(err)
	}
	return record
}

// countingApp counts its imports.
type countingApp struct {
	*contracttest.Memory
	imported *atomic.Int64
}

func (a countingApp) Begin(ctx context.Context) (contract.Transaction, error) {
	transaction, err := a.Memory.Begin(ctx)
	return countingTransaction{transaction, a.imported}, err
}

type countingTransaction struct {
	contract.Transaction
	imported *atomic.Int64
}

func (t countingTransaction) Commit(ctx context.Context) error {
	t.imported.Add(1)
	return t.Transaction.Commit(ctx)
}

// kubeconfigOf writes a kubeconfig.
func kubeconfigOf(t *testing.T, config *rest.Config) string {
	t.Helper()
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "admin"}
	file.CurrentContext = "c"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// While one restores, another is told who does, and may take over. The first then stops before
// its next write.
func TestASecondOperatorIsToldWhoRestores(t *testing.T) {
	w := newKilledWorld(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	lists := faultproxy.All(faultproxy.List("configmaps"), func(r *http.Request) bool { return r.Method == http.MethodGet })
	w.proxy.Set(faultproxy.Rule{Match: func(r *http.Request) bool { return w.locked() && lists(r) }, Times: 1, Fault: func(
		out http.ResponseWriter, r *http.Request, forward http.Handler,
	) {
		close(arrived)
		<-release
		forward.ServeHTTP(out, r)
	}})
	first := exec.CommandContext(t.Context(), w.binary, w.restoring("first")...)
	var said strings.Builder
	first.Stdout, first.Stderr = &said, &said
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-arrived:
	case <-t.Context().Done():
		t.Fatal("the first restore wrote nothing")
	}

	second := append(w.restoring("second"), "--kubeconfig", w.cluster.Kubeconfig)
	code, _, errs := w.run(second...)
	if code != ExitMoved {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "restores ", " to this cluster since ", "appbur: hint: ", "--take-over")
	if w.there("Namespace", "", "second") {
		t.Error("it was restored")
	}
	if code, _, errs := w.run(append(slices.Clone(second), "--dry-run")...); code != ExitDone {
		t.Errorf("a dry run takes no lock: exit code %d %s", code, errs)
	}

	says(t, w.okErr(append(second, "--take-over")...), "its lock was taken over")
	<-time.After(2 * time.Second) // a lock that was confirmed a moment ago is not asked for
	close(release)
	var exit *exec.ExitError
	if err := first.Wait(); !errors.As(err, &exit) || exit.ExitCode() != ExitMoved {
		t.Errorf("the first run ended with %v", err)
	}
	says(t, said.String(), "the lock of this restore is lost", "continues where it stopped")
	if w.there("ConfigMap", "first", "settings") {
		t.Error("it wrote after its lock was lost")
	}
	w.ok(second...)
}

// locked reports whether somebody holds the lock of the target.
func (w *killedWorld) locked() bool {
	resource := schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
	lease, err := w.client.Resource(resource).Namespace(session.Namespace).Get(w.Context(), session.Name, metav1.GetOptions{})
	if err != nil {
		return false
	}
	spec, _ := lease.Object["spec"].(map[string]any)
	return spec["holderIdentity"] != ""
}

// okErr is ok, and returns what was said on standard error.
func (w *killedWorld) okErr(args ...string) string {
	w.Helper()
	code, out, errs := w.run(args...)
	if code != ExitDone {
		w.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	return errs
}
