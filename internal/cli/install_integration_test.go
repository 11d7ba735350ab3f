//go:build integration

package cli

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"

	"github.com/appbur/appbur/deploy"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testimage"
	"github.com/appbur/appbur/internal/testremote"
)

// What `kubectl apply -k` installs runs: the pod of the Deployment, with the image, its volumes, its account and nothing
// else, clones the repository, leads, saves the cluster and pushes a complete point. Another pod goes on where the first
// one ended, from the remote alone.
func TestTheInstallationRuns(t *testing.T) {
	image := testimage.Build(t)
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) { newInstallation(t, image, version).runs(t) })
	}
}

func (p *installation) runs(t *testing.T) {
	first := p.start("first")
	p.eventually("the remote has a complete point", func() bool { return p.tags() != "" })
	p.eventually("it is ready", first.ready)
	first.stop()
	tip, point := strings.TrimSpace(p.git("rev-parse", "main")), p.tags()
	if shown := p.ok("clone", p.remote.String(), p.repo+".clone", "--keys", p.keys); !strings.Contains(shown, "restore point") {
		t.Errorf("the remote has\n%s", shown)
	}

	second := p.start("second")
	p.eventually("it is ready", second.ready)
	second.stop()
	if _, err := testremote.TryGit(p.repo, "merge-base", "--is-ancestor", tip, "main"); err != nil || !strings.HasPrefix(p.tags(), point) {
		t.Errorf("the second pod began anew: %v, and the points were %q and are %q", err, point, p.tags())
	}
	for _, pod := range []*pod{first, second} {
		for line := range strings.Lines(pod.said.log()) {
			if !strings.Contains(line, `"level":"INFO"`) && lacks.MatchString(line) {
				t.Errorf("the pod lacks something: %s", line)
			}
		}
	}
}

// lacks is how the log would say that something of the installation is missing.
var lacks = regexp.MustCompile(`(?i)forbidden|may not|read-only|denied|no such file|others than its owner`)

// installation is a cluster to which everything was applied, and a Git server.
type installation struct {
	*story
	image      *testimage.Image
	cluster    *testcluster.Cluster
	client     kubernetes.Interface
	deployment appsv1.Deployment
	remote     *url.URL
}

func newInstallation(t *testing.T, image *testimage.Image, version string) *installation {
	p := &installation{story: newStory(t), image: image, cluster: testcluster.New(t, version)}
	bare := testremote.Bare(t)
	server := testremote.HTTPS(t, filepath.Dir(bare))
	server.Username, server.Password = "appbur", "s3cr3t-login"
	var err error
	if p.remote, err = url.Parse(server.Repo(filepath.Base(bare))); err != nil {
		t.Fatal(err)
	}
	if p.client, err = kubernetes.NewForConfig(p.cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}

	login := filepath.Join(t.TempDir(), "login")
	p.files(login, map[string]string{"username": "appbur", "password": "s3cr3t-login", "ca.crt": string(server.CA)}, 0o600)
	p.ok("init", p.repo, "--keys", p.keys)
	p.ok("remotes", "add", "origin", p.remote.String(), "--repo", p.repo, "--keys", p.keys, "--credentials", login)
	p.ok("remotes", "push", "--repo", p.repo, "--keys", p.keys)
	p.repo = bare // what is asked from now on

	p.apply()
	p.secret("appbur-keys", p.keys, "signing.key", "fingerprint.key", "allowed_signers")
	p.secret("appbur-git", login, "username", "password", "ca.crt")
	return p
}

// apply applies an overlay in which somebody has set the remote.
func (p *installation) apply() {
	p.Helper()
	text, err := deploy.Manifests.ReadFile("base/appbur.yaml")
	if err != nil {
		p.Fatal(err)
	}
	text = regexp.MustCompile(`https://git\.example\S*`).ReplaceAll(text, []byte(p.remote.String()))
	text = regexp.MustCompile(`listen: .*`).ReplaceAll(text, []byte("listen: 127.0.0.1:0")) // the network is this machine's
	objects, err := deploy.Overlay(`
resources: [../deploy]
configMapGenerator:
- {name: appbur, namespace: appbur-system, behavior: replace, files: [appbur.yaml], options: {disableNameSuffixHash: true}}
`, map[string]string{"appbur.yaml": string(text)})
	if err != nil {
		p.Fatal(err)
	}

	client, err := dynamic.NewForConfig(p.cluster.RESTConfig())
	if err != nil {
		p.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(p.client.Discovery())
	if err != nil {
		p.Fatal(err)
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	for _, content := range objects {
		object := &unstructured.Unstructured{Object: content}
		mapping, err := mapper.RESTMapping(object.GroupVersionKind().GroupKind(), object.GroupVersionKind().Version)
		if err != nil {
			p.Fatal(err)
		}
		var target dynamic.ResourceInterface = client.Resource(mapping.Resource)
		if object.GetNamespace() != "" {
			target = client.Resource(mapping.Resource).Namespace(object.GetNamespace())
		}
		if _, err := target.Apply(p.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "test"}); err != nil {
			p.Fatal(err)
		}
	}

	deployment, err := p.client.AppsV1().Deployments("appbur-system").Get(p.Context(), "appbur", metav1.GetOptions{})
	if err != nil {
		p.Fatal(err)
	}
	p.deployment = *deployment
}

func (p *installation) secret(name, dir string, keys ...string) {
	p.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: make(map[string][]byte)}
	for _, key := range keys {
		data, err := os.ReadFile(filepath.Join(dir, key))
		if err != nil {
			p.Fatal(err)
		}
		secret.Data[key] = data
	}
	if _, err := p.client.CoreV1().Secrets("appbur-system").Create(p.Context(), secret, metav1.CreateOptions{}); err != nil {
		p.Fatal(err)
	}
}

// tags are the restore points at the remote.
func (p *installation) tags() string {
	return strings.TrimSpace(p.git("tag", "--list", "restore-points/*"))
}

// pod is the container of a pod, which a kubelet would run.
type pod struct {
	*installation
	container *testimage.Container
	said      *running
}

// start does what a kubelet does with the pod of the Deployment.
func (p *installation) start(name string) *pod {
	p.Helper()
	spec := p.deployment.Spec.Template.Spec
	container := spec.Containers[0]
	volumes := make(map[string]string)
	for _, volume := range spec.Volumes {
		volumes[volume.Name] = p.volume(volume)
	}
	mounts := []testimage.Mount{
		{Host: p.account(spec.ServiceAccountName), Path: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true},
	}
	for _, mount := range container.VolumeMounts {
		mounts = append(mounts, testimage.Mount{Host: volumes[mount.Name], Path: mount.MountPath, ReadOnly: mount.ReadOnly})
	}

	server, err := url.Parse(p.cluster.Server())
	if err != nil {
		p.Fatal(err)
	}
	image := *p.image
	image.Config.Env = append(slices.Clone(image.Config.Env),
		"KUBERNETES_SERVICE_HOST="+server.Hostname(), "KUBERNETES_SERVICE_PORT="+server.Port())
	for _, variable := range container.Env {
		image.Config.Env = append(image.Config.Env, variable.Name+"="+variable.Value)
	}

	started := &pod{p, image.Command(p, mounts, container.Args...), &running{}}
	started.container.Stdout, started.container.Stderr = started.said, started.said
	if err := started.container.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if p.Failed() {
			p.Logf("the %s pod:\n%s", name, started.said.log())
		}
	})
	return started
}

// account is what every pod gets of its ServiceAccount: a token, and the authority of the API server.
func (p *installation) account(name string) string {
	p.Helper()
	token, err := p.client.CoreV1().ServiceAccounts("appbur-system").
		CreateToken(p.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		p.Fatal(err)
	}
	authority := ""
	p.eventually("the authority is published", func() bool {
		published, err := p.client.CoreV1().ConfigMaps("appbur-system").Get(p.Context(), "kube-root-ca.crt", metav1.GetOptions{})
		if err == nil {
			authority = published.Data["ca.crt"]
		}
		return err == nil
	})
	dir := filepath.Join(p.TempDir(), "account")
	p.files(dir, map[string]string{"token": token.Status.Token, "ca.crt": authority, "namespace": "appbur-system"}, 0o644)
	return dir
}

// volume is a directory with what the volume holds, which belongs to the group of the pod as far as that is asked for.
func (p *installation) volume(volume corev1.Volume) string {
	p.Helper()
	dir := filepath.Join(p.TempDir(), volume.Name)
	content := make(map[string]string)
	switch {
	case volume.EmptyDir != nil:
	case volume.ConfigMap != nil:
		held, err := p.client.CoreV1().ConfigMaps("appbur-system").Get(p.Context(), volume.ConfigMap.Name, metav1.GetOptions{})
		if err != nil {
			p.Fatal(err)
		}
		content = held.Data
	case volume.Projected != nil:
		for _, source := range volume.Projected.Sources {
			held, err := p.client.CoreV1().Secrets("appbur-system").Get(p.Context(), source.Secret.Name, metav1.GetOptions{})
			if err != nil {
				p.Fatal(err)
			}
			for _, item := range source.Secret.Items {
				data, there := held.Data[item.Key]
				if !there && (source.Secret.Optional == nil || !*source.Secret.Optional) {
					p.Fatalf("the Secret %s has no %s", source.Secret.Name, item.Key)
				}
				if there {
					content[item.Path] = string(data)
				}
			}
		}
	default:
		p.Fatalf("no volume of this kind is made here: %s", volume.Name)
	}

	mode := os.FileMode(0o644)
	if volume.Projected != nil {
		mode = os.FileMode(*volume.Projected.DefaultMode)
	}
	p.files(dir, content, mode)
	p.image.Give(p, dir)
	return dir
}

// files writes files, by their paths below a directory.
func (p *installation) files(dir string, content map[string]string, mode os.FileMode) {
	p.Helper()
	err := os.MkdirAll(dir, 0o755)
	for path, text := range content {
		file := filepath.Join(dir, path)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(file), 0o755)
		}
		if err == nil {
			err = os.WriteFile(file, []byte(text), mode)
		}
	}
	if err != nil {
		p.Fatal(err)
	}
}

var servedAtJSON = regexp.MustCompile(`"msg":"serving metrics","address":"([^"]+)"`)

// ready asks as the readiness probe does.
func (p *pod) ready() bool {
	served := servedAtJSON.FindStringSubmatch(p.said.log())
	if served == nil {
		return false
	}
	answer, err := http.Get("http://" + served[1] + p.deployment.Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Path)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// stop ends the pod as a kubelet does.
func (p *pod) stop() {
	p.Helper()
	p.container.Terminate(p)
	if err := p.container.Wait(); err != nil {
		p.Errorf("told to end, it ended with %v", err)
	}
}
