//go:build integration && unix

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane/binaries"
)

// versions of hack/kube that these tests run against.
var versions = []string{"1.24.17", "1.37.1"}

//integration:own-tests it adds a program, which a test of this file starts
func init() {
	helpers["cluster"] = func() ([]int, error) {
		v := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
		found, err := locate(context.Background(), v)
		if err != nil {
			return nil, err
		}
		c, err := Start(context.Background(), Options{Version: v, Binaries: found})
		if err != nil {
			return nil, err
		}
		return c.pids(), nil
	}
}

func (c *Cluster) pids() []int {
	var pids []int
	for _, p := range []*process{c.etcd, c.apiServer, c.controllerManager} {
		if p != nil {
			pids = append(pids, p.cmd.Process.Pid)
		}
	}
	return pids
}

// locate finds the servers that `make servers` has built.
func locate(ctx context.Context, v appbur.KubeVersion) (binaries.Binaries, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return binaries.Binaries{}, err
	}
	wanted, err := binaries.ParseWanted(v.String())
	if err != nil {
		return binaries.Binaries{}, err
	}
	found, err := binaries.Places{filepath.Join(cache, "appbur", "kube")}.Find(ctx, wanted)
	return found.Binaries, err
}

func located(t *testing.T, v appbur.KubeVersion) binaries.Binaries {
	t.Helper()
	found, err := locate(t.Context(), v)
	if err != nil {
		t.Fatalf("%v\nhint: run `make servers` once; it builds them into the cache", err)
	}
	return found
}

func started(t *testing.T, options Options) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// residentMemory describes the memory of each server, where the system tells.
func residentMemory(c *Cluster) string {
	var sizes []string
	for i, pid := range c.pids() {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		size, _, _ := strings.Cut(rest, "\n")
		sizes = append(sizes, logNames[i]+" "+strings.TrimSpace(size))
	}
	return strings.Join(sizes, ", ")
}

func TestClusterIsReal(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			began := time.Now()
			v, err := appbur.ParseKubeVersion(version)
			if err != nil {
				t.Fatal(err)
			}
			c := started(t, Options{Version: v, Binaries: located(t, v)})
			t.Logf("ready after %s; %s", time.Since(began).Round(10*time.Millisecond), residentMemory(c))
			client, err := kubernetes.NewForConfig(c.RESTConfig())
			if err != nil {
				t.Fatal(err)
			}

			t.Run("version", func(t *testing.T) { testVersion(t, c, client) })
			t.Run("kubeconfig", func(t *testing.T) { testKubeconfig(t, c) })
			t.Run("defaults of the release", func(t *testing.T) { testServedVersions(t, c, client) })
			t.Run("root certificate", func(t *testing.T) { testRootCertificate(t, c, client) })
			t.Run("access control", func(t *testing.T) { testAccessControl(t, c) })
			t.Run("garbage collector", func(t *testing.T) { testGarbageCollector(t, client) })
			t.Run("broken aggregated API", func(t *testing.T) { testBrokenAggregatedAPI(t, c) })
			t.Run("restart", func(t *testing.T) { testRestart(t, c, client) })
			t.Run("dropped watch", func(t *testing.T) { testDroppedWatch(t, c, client) })
		})
	}
}

func testVersion(t *testing.T, c *Cluster, client kubernetes.Interface) {
	info, err := client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if want := "v" + c.Version.String(); info.GitVersion != want {
		t.Errorf("gitVersion = %q, want %q", info.GitVersion, want)
	}
	if want := c.Version.MinorString(); info.Major+"."+info.Minor != want {
		t.Errorf("major.minor = %s.%s, want %s", info.Major, info.Minor, want)
	}
	if info.GitTreeState != "clean" {
		t.Errorf("gitTreeState = %q", info.GitTreeState)
	}
}

func testKubeconfig(t *testing.T, c *Cluster) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), "kube-system", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

// testServedVersions looks at API versions that tell releases apart.
func testServedVersions(t *testing.T, c *Cluster, client kubernetes.Interface) {
	for _, test := range []struct {
		groupVersion, resource string
		old, new               bool // served by 1.24, by 1.37
	}{
		{"policy/v1beta1", "podsecuritypolicies", true, false},
		{"policy/v1beta1", "poddisruptionbudgets", true, false},
		{"autoscaling/v2beta2", "horizontalpodautoscalers", true, false},
		{"batch/v1beta1", "cronjobs", true, false},
		{"batch/v1", "cronjobs", true, true},
		{"networking.k8s.io/v1", "ingresses", true, true},
		{"networking.k8s.io/v1", "servicecidrs", false, true},
		{"apiregistration.k8s.io/v1", "apiservices", true, true},
	} {
		want := test.old
		if c.Version.AtLeast(1, 37) {
			want = test.new
		}
		list, err := client.Discovery().ServerResourcesForGroupVersion(test.groupVersion)
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		got := err == nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == test.resource })
		if got != want {
			t.Errorf("%s of %s: served = %v, want %v", test.resource, test.groupVersion, got, want)
		}
	}
}

func testRootCertificate(t *testing.T, c *Cluster, client kubernetes.Interface) {
	published, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if published.Data["ca.crt"] != string(c.RESTConfig().CAData) {
		t.Error("kube-root-ca.crt is not the authority of the API server")
	}
}

func testAccessControl(t *testing.T, c *Cluster) {
	nobody := c.RESTConfig()
	nobody.Impersonate = rest.ImpersonationConfig{UserName: "nobody"}
	client, err := kubernetes.NewForConfig(nobody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("list secrets as nobody: %v, want forbidden", err)
	}
	stranger := c.RESTConfig()
	stranger.BearerToken = "wrong"
	client, err = kubernetes.NewForConfig(stranger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{}); !apierrors.IsUnauthorized(err) {
		t.Errorf("list secrets with a wrong token: %v, want unauthorized", err)
	}
}

// testGarbageCollector shows what a restore must not do: an object whose owner
// carries a uid of another cluster is deleted.
func testGarbageCollector(t *testing.T, client kubernetes.Interface) {
	configMaps := client.CoreV1().ConfigMaps("default")
	owner, err := configMaps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	owned := func(name, uid string) *corev1.ConfigMap {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
		object.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.UID}}
		if uid != "" {
			object.OwnerReferences[0].UID = "00000000-dead-beef-0000-000000000000"
		}
		return object
	}

	for _, object := range []*corev1.ConfigMap{owned("relinked", ""), owned("orphan", "bogus")} {
		if _, err := configMaps.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()

	if err := await(ctx, "the orphan to be deleted", nil, func(ctx context.Context) error {
		switch _, err := configMaps.Get(ctx, "orphan", metav1.GetOptions{}); {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		default:
			return errors.New("it exists")
		}
	}); err != nil {
		t.Fatal(err)
	}

	t.Logf("the orphan was deleted after %s", time.Since(began).Round(10*time.Millisecond))
	if _, err := configMaps.Get(t.Context(), "relinked", metav1.GetOptions{}); err != nil {
		t.Errorf("the object with a live owner: %v", err)
	}
}

// testBrokenAggregatedAPI registers an API that nobody serves, as a management
// cluster has while its metrics server is down.
func testBrokenAggregatedAPI(t *testing.T, c *Cluster) {
	client, err := dynamic.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	services := client.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})

	broken := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": "v1.broken.example.com"},
		"spec": map[string]any{
			"group": "broken.example.com", "version": "v1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"insecureSkipTLSVerify": true,
			"service":               map[string]any{"namespace": "default", "name": "nobody"},
		},
	}}
	if _, err := services.Create(t.Context(), broken, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := services.Delete(context.WithoutCancel(t.Context()), broken.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	discoverer, err := discovery.NewDiscoveryClientForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	if err := await(ctx, "discovery to report the broken group", nil, func(context.Context) error {
		_, lists, err := discoverer.ServerGroupsAndResources()
		var failed *discovery.ErrGroupDiscoveryFailed
		if !errors.As(err, &failed) {
			return fmt.Errorf("discovery = %w", errors.Join(errors.New("no failed group"), err))
		}
		if len(failed.Groups) != 1 || failed.Groups[schema.GroupVersion{Group: "broken.example.com", Version: "v1"}] == nil {
			return fmt.Errorf("failed groups: %w", err)
		}
		if len(lists) < 10 {
			return fmt.Errorf("only %d groups besides the broken one", len(lists))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func testRestart(t *testing.T, c *Cluster, client kubernetes.Interface) {
	c.StopControllerManager()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "unattended"}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := c.StartControllerManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := await(ctx, "the new namespace's ServiceAccount", nil, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("unattended").Get(ctx, "default", metav1.GetOptions{})
		return err
	}); err != nil {
		t.Error(err)
	}
}

func testDroppedWatch(t *testing.T, c *Cluster, client kubernetes.Interface) {
	before := c.Server()
	watch, err := client.CoreV1().ConfigMaps("default").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	c.StopAPIServer()

	deadline := time.After(20 * time.Second)
	for open := true; open; {
		select {
		case _, open = <-watch.ResultChan():
		case <-deadline:
			t.Fatal("the watch outlived the API server")
		}
	}

	if _, err := http.Get(c.Server()); err == nil {
		t.Error("the API server answers after it was stopped")
	}
	began := time.Now()
	if err := c.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("the API server is back after %s", time.Since(began).Round(10*time.Millisecond))
	if c.Server() != before {
		t.Errorf("it moved from %s to %s", before, c.Server())
	}
	if _, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "owner", metav1.GetOptions{}); err != nil {
		t.Errorf("an object from before the restart: %v", err)
	}
}

// The binaries of envtest have no controller-manager.
func TestWithoutControllerManagerNothingWaitsForIt(t *testing.T) {
	v := appbur.KubeVersion{Major: 1, Minor: 37, Patch: 1}
	envtest := located(t, v)
	envtest.ControllerManager = ""
	c := started(t, Options{Version: v, Binaries: envtest})
	if c.HasControllers() || len(c.pids()) != 2 {
		t.Errorf("controllers: %v, processes %v", c.HasControllers(), c.pids())
	}
	if _, err := c.get(t.Context(), defaultObjects[0]); err == nil {
		t.Error("somebody made the default ServiceAccount")
	}
	if err := c.StartControllerManager(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClusterEndsWhenItsParentIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Logf("%s cannot tie a child's life to its parent's, as doc.go says", runtime.GOOS)
		return
	}
	helper, pids := startHelper(t, "cluster")
	if len(pids) != 3 {
		t.Fatalf("helper started %d processes, want 3", len(pids))
	}
	killAndExpectNothingLeft(t, helper, pids)
}

func TestStopLeavesNothing(t *testing.T) {
	v := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
	c, err := Start(t.Context(), Options{Version: v, Binaries: located(t, v), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	pids := c.pids()

	for range 2 { // the second time there is nothing to do
		if err := c.Stop(); err != nil {
			t.Fatal(err)
		}
	}

	for _, pid := range pids {
		if !gone(pid) {
			t.Errorf("process %d runs", pid)
		}
	}

	if _, err := os.Stat(c.Dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v, want it gone", c.Dir, err)
	}
	if err := c.StartAPIServer(t.Context()); !errors.Is(err, errStopped) {
		t.Errorf("start after stop: %v", err)
	}
}

func TestStartFailureKeepsTheLogs(t *testing.T) {
	v := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
	parent := t.TempDir()
	_, err := Start(t.Context(), Options{
		Version: v, Binaries: located(t, v), Dir: parent, APIServerArgs: []string{"--no-such-flag"},
	})
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Program != "kube-apiserver" || !strings.Contains(err.Error(), "no-such-flag") {
		t.Fatalf("Start = %v, want the API server's exit with its log", err)
	}
	if _, err := os.Stat(exit.Log); err != nil {
		t.Error(err)
	}
}

func TestStartRefusesAnotherVersion(t *testing.T) {
	old := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
	_, err := Start(t.Context(), Options{
		Version: appbur.KubeVersion{Major: 1, Minor: 25, Patch: 16}, Binaries: located(t, old), Dir: t.TempDir(),
	})
	if err == nil || !strings.Contains(err.Error(), "not 1.25.16") {
		t.Errorf("Start = %v, want a refusal", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	v := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Options{Version: v, Binaries: located(t, v), Dir: t.TempDir()})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Start = %v, want the deadline", err)
	}
}
