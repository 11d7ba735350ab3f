//go:build integration && linux

package installed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/appbur/appbur/deploy"
	"github.com/appbur/appbur/internal/testimage"
	"github.com/appbur/appbur/internal/testnode"
)

const namespace = "appbur-system"

// installation is appbur in a cluster, and the machine of who installed it.
type installation struct {
	node  *testnode.Node
	forge *gitServer
	image *testimage.Image
	// repo and keys are on the machine.
	repo, keys string
}

// install does what docs/install.md says: a repository, its keys and a remote are made on a machine, the Secrets in the
// cluster, and then an overlay is applied.
func install(t *testing.T, node *testnode.Node, forge *gitServer, image *testimage.Image, callers string) *installation {
	t.Helper()
	dir := t.TempDir()
	i := &installation{
		node: node, forge: forge, image: image, repo: filepath.Join(dir, "mgmt.git"), keys: filepath.Join(dir, "keys"),
	}
	login := forge.credentials(t)
	i.ok(t, "init", i.repo, "--keys", i.keys)
	i.ok(t, "remotes", "add", "origin", forge.url, "--repo", i.repo, "--keys", i.keys, "--credentials", login)
	i.ok(t, "remotes", "push", "--repo", i.repo, "--keys", i.keys)

	node.Apply(t, documents(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}")...)
	i.secret(t, "appbur-keys", i.keys, "signing.key", "fingerprint.key", "allowed_signers")
	i.secret(t, "appbur-git", login, "identity", "known_hosts")
	i.secret(t, "appbur-apps", callers, "tls.crt", "tls.key")
	node.ImportTarball(t, image.Tarball)
	i.apply(t)
	return i
}

// overlay is what somebody adds: two replicas, the image, the settings, who it is for applications, small disks, and
// probes that are soon through.
const overlay = `
resources: [../deploy]
components: [../deploy/components/ha]
images: [{name: registry.example/appbur, newName: ghcr.io/appbur/appbur, newTag: %s}]
configMapGenerator:
- {name: appbur, namespace: appbur-system, behavior: replace, files: [appbur.yaml], options: {disableNameSuffixHash: true}}
patches:
- target: {kind: Deployment, name: appbur}
  patch: |
    - {op: test, path: /spec/template/spec/volumes/1/name, value: keys}
    - op: add
      path: /spec/template/spec/volumes/1/projected/sources/-
      value: {secret: {name: appbur-apps, items: [{key: tls.crt, path: apps/tls.crt}, {key: tls.key, path: apps/tls.key}]}}
    - {op: replace, path: /spec/template/spec/containers/0/startupProbe/periodSeconds, value: 1}
    - {op: replace, path: /spec/template/spec/containers/0/readinessProbe/periodSeconds, value: 1}
    - {op: test, path: /spec/template/spec/volumes/2/name, value: repository}
    - {op: add, path: /spec/template/spec/volumes/2/emptyDir, value: {medium: Memory, sizeLimit: 32Mi}}
    - {op: test, path: /spec/template/spec/volumes/3/name, value: tmp}
    - {op: add, path: /spec/template/spec/volumes/3/emptyDir, value: {medium: Memory, sizeLimit: 32Mi}}
`

// apply applies the overlay, with a schedule that a test can wait for.
func (i *installation) apply(t *testing.T) {
	t.Helper()
	base, err := deploy.Manifests.ReadFile("base/appbur.yaml")
	if err != nil {
		t.Fatal(err)
	}
	settings := string(base)
	for pattern, replacement := range map[string]string{
		`https://git\.example\S*`: i.forge.url,
		`"0 \* \* \* \*"`:         `"@every 2s"`,
		`  find: true`:            "  find: true\n  cert: /etc/appbur/keys/apps/tls.crt\n  key: /etc/appbur/keys/apps/tls.key",
	} {
		changed := regexp.MustCompile(pattern).ReplaceAllString(settings, replacement)
		if changed == settings {
			t.Fatalf("deploy/base/appbur.yaml has nothing like %s", pattern)
		}
		settings = changed
	}

	objects, err := deploy.Overlay(fmt.Sprintf(overlay, testimage.Version), map[string]string{"appbur.yaml": settings})
	if err != nil {
		t.Fatal(err)
	}
	i.node.Apply(t, objects...)
}

// secret makes a Secret of files, or changes it.
func (i *installation) secret(t *testing.T, name, dir string, files ...string) {
	t.Helper()
	data := make(map[string]any)
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		data[file] = string(content)
	}
	i.node.Apply(t, map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": namespace}, "stringData": data,
	})
}

// ok runs the image's appbur on the machine.
func (i *installation) ok(t *testing.T, words ...string) string {
	t.Helper()
	out, err := i.appbur(t, words...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (i *installation) appbur(t *testing.T, words ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.CommandContext(t.Context(), filepath.Join(i.image.Root, i.image.Config.Entrypoint[0]), words...)
	command.Env = []string{"HOME=" + filepath.Dir(i.repo), "PATH=/usr/bin:/bin"}
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("appbur %s: %w\n%s%s", strings.Join(words, " "), err, &out, &errs)
	}
	return out.String(), nil
}

// pods are those of the installation that run.
func (i *installation) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := i.node.Client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=appbur"})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// ready waits until all replicas are, as their probes say.
func (i *installation) ready(t *testing.T) {
	t.Helper()
	i.node.Eventually(t, "the installation is ready", func() error {
		deployment, err := i.node.Client.AppsV1().Deployments(namespace).Get(t.Context(), "appbur", metav1.GetOptions{})
		if err != nil {
			return err
		}
		status := deployment.Status
		if status.ObservedGeneration == deployment.Generation && status.UpdatedReplicas == *deployment.Spec.Replicas &&
			status.ReadyReplicas == *deployment.Spec.Replicas && status.Replicas == *deployment.Spec.Replicas {
			return nil
		}
		return fmt.Errorf("%+v\n%s", status, i.said(t))
	})
}

// leader is the name of the pod that holds the Lease.
func (i *installation) leader(t *testing.T) string {
	t.Helper()
	lease, err := i.node.Client.CoordinationV1().Leases(namespace).Get(t.Context(), "appbur", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	pod, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
	return pod
}

// said is what all pods have logged, or why they do not run.
func (i *installation) said(t *testing.T) string {
	t.Helper()
	var said strings.Builder
	for _, pod := range i.pods(t) {
		fmt.Fprintf(&said, "--- %s is %s: %+v\n", pod.Name, pod.Status.Phase, pod.Status.ContainerStatuses)
		text, err := i.node.Client.CoreV1().Pods(namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
		fmt.Fprintf(&said, "%s%v\n", text, err)
	}
	return said.String()
}

// documents reads YAML with several objects.
func documents(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		var one map[string]any
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
}
