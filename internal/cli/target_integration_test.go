//go:build integration

package cli

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/appbur/appbur/internal/testcluster"
)

// A restore says which cluster it writes to, and does not undo what is newer than
// the point unless somebody who was told agrees.
func TestRestoreSaysWhichCluster(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.37.1")
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	configs := client.CoreV1().ConfigMaps("default")
	for _, name := range []string{"changed", "deleted"} {
		if _, err := configs.Create(t.Context(),
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"is": "old"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	system, err := client.CoreV1().Namespaces().Get(t.Context(), "kube-system", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}

	s.ok("init", s.repo, "--keys", s.keys)
	point := string(s.backup(cluster).Point.ID)
	target := []string{"--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig}
	restoring := append([]string{"restore", point, "--yes"}, target...)
	plan := func() string { return s.ok(append([]string{"plan", point}, target...)...) }

	t.Run("the plan shows the target", func(t *testing.T) {
		says(t, plan(), string(system.UID), cluster.Server(), "Kubernetes 1.37.1, 0 nodes, 4 namespaces",
			"nothing of the point has changed since")
		var answer struct{ Target targetCluster }
		if err := json.Unmarshal([]byte(s.ok(append([]string{"plan", point, "--json"}, target...)...)), &answer); err != nil {
			t.Fatal(err)
		}
		if got := answer.Target; got.ID != string(system.UID) || got.Context == "" || *got.Namespaces != 4 || !got.Source || got.Since.any() {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a source that did not change can be restored to, and it is remembered", func(t *testing.T) {
		s.ok(restoring...)
		says(t, s.ok("points", "show", point, "--repo", s.repo, "--keys", s.keys), "restored       to ", "cluster "+string(system.UID), ", whole")
		says(t, plan(), "restored       "+point+": ", ", whole")
	})

	newer := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "changed"}, Data: map[string]string{"is": "new"}}
	if _, err := configs.Update(t.Context(), newer, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := configs.Delete(t.Context(), "deleted", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	untouched := func(t *testing.T) {
		t.Helper()
		if live, err := configs.Get(t.Context(), "changed", metav1.GetOptions{}); err != nil || live.Data["is"] != "new" {
			t.Errorf("the newer state is gone: %v %v", live.Data, err)
		}
	}
	t.Run("--yes does not undo what is newer", func(t *testing.T) {
		const newer = "1 changed (ConfigMap/default/changed), 1 deleted (ConfigMap/default/deleted)"
		code, _, errs := s.run(restoring...)
		if code != ExitUsage {
			t.Errorf("exit code %d", code)
		}
		says(t, errs, newer, "--undo-newer")
		says(t, plan(), newer)
		untouched(t)
	})
	t.Run("who answers is told first, and n is an answer", func(t *testing.T) {
		var out, errs bytes.Buffer
		e := &env{
			Streams: &Streams{In: strings.NewReader("n\n"), Out: &out, Err: &errs, InTerminal: true},
			now:     time.Now, rand: rand.Reader, getenv: func(string) string { return "" },
		}
		if code := Run(t.Context(), e, append([]string{"restore", point}, target...)); code != ExitCancelled {
			t.Errorf("exit code %d", code)
		}
		says(t, out.String(), string(system.UID), "a restore would undo what is newer", "1 deleted")
		says(t, errs.String(), cluster.Server(), "[yes/no]", "not confirmed, nothing was changed")
		if strings.Contains(errs.String(), "context") {
			t.Errorf("words of the implementation: %s", errs.String())
		}
		untouched(t)
	})
	t.Run("an account that cannot tell which cluster it is must say so", func(t *testing.T) {
		stranger := []string{"--repo", s.repo, "--keys", s.keys, "--kubeconfig", actingAs(t, cluster, "stranger")}
		code, out, _ := s.run(append([]string{"plan", point}, stranger...)...)
		if code != ExitCredentials {
			t.Errorf("exit code %d", code)
		}
		says(t, out, "cluster        unknown: ", "nodes unknown, namespaces unknown")
		code, _, errs := s.run(append([]string{"restore", point, "--yes"}, stranger...)...)
		if code != ExitUsage {
			t.Errorf("exit code %d", code)
		}
		says(t, errs, "it is unknown whether", "--undo-newer")
	})
	t.Run("explain uses the namespace of the context, and a typo gets a suggestion", func(t *testing.T) {
		inSystem := inNamespace(t, cluster, "kube-system")
		says(t, s.ok("explain", "configmap/extension-apiserver-authentication", "--kubeconfig", inSystem),
			"ConfigMap/kube-system/extension-apiserver-authentication")
		if code, _, errs := s.run("explain", "configmap/changed", "--kubeconfig", inSystem); code != ExitNotFound {
			t.Errorf("exit code %d: %s", code, errs)
		}
		s.ok("explain", "configmap/changed", "-n", "default", "--kubeconfig", inSystem)
		code, _, errs := s.run("explain", "confgmap/changed", "--kubeconfig", cluster.Kubeconfig)
		if code != ExitNotFound {
			t.Errorf("exit code %d", code)
		}
		says(t, errs, "did you mean configmap")
	})
	t.Run("the shell completes contexts, kinds and namespaces", func(t *testing.T) {
		says(t, s.ok("__complete", "explain", "--kubeconfig", cluster.Kubeconfig, ""), "configmaps/\n", "deployments/\n")
		says(t, s.ok("__complete", "explain", "--kubeconfig", cluster.Kubeconfig, "--namespace", ""), "kube-system\n")
		says(t, s.ok("__complete", "restore", "--kubeconfig", cluster.Kubeconfig, "--context", ""), "kubernetes-1.37.1\n")
	})
	t.Run("told to, it goes on, and a restore in part is remembered as one", func(t *testing.T) {
		if code, _, errs := s.run(append(restoring, "--undo-newer")...); code != ExitPartly {
			t.Errorf("exit code %d: %s", code, errs)
		}
		says(t, plan(), ", in part")
		s.ok(append(restoring, "--undo-newer", "--force-conflicts")...)
		if live, err := configs.Get(t.Context(), "changed", metav1.GetOptions{}); err != nil || live.Data["is"] != "old" {
			t.Errorf("%v %v", live.Data, err)
		}
		says(t, plan(), "nothing of the point has changed since", ", whole")
	})
	t.Run("a namespace under another name beside the original", func(t *testing.T) {
		mappedBesideItsOriginal(t, s, cluster)
	})
	t.Run("state that only an application reads is told by type and size", func(t *testing.T) {
		opaqueStateIsTold(t, s, cluster.Kubeconfig)
	})
}

// inNamespace returns a kubeconfig whose context has a namespace.
func inNamespace(t *testing.T, c *testcluster.Cluster, namespace string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts[config.CurrentContext].Namespace = namespace
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// says wants all of some texts in another.
func says(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%.4000s", want, text)
		}
	}
}
