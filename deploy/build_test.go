package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/appbur/appbur/deploy"
	"github.com/appbur/appbur/internal/accessrules"
	"github.com/appbur/appbur/internal/configuration"
)

// components are all there are, but for those that need kinds that Kubernetes does not have.
var components = []string{
	"components/audit", "components/git-credentials", "components/ha", "components/metrics", "components/network-policy",
}

// foreign are those whose kinds are defined by operators.
var foreign = []string{"components/keys/external-secret", "components/keys/sealed-secret", "metrics"}

func build(t *testing.T, components ...string) []map[string]any {
	t.Helper()
	objects, err := deploy.Build(components...)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// typed finds one object by its kind.
func typed[T any](t *testing.T, objects []map[string]any, kind string) T {
	t.Helper()
	var found T
	for _, object := range objects {
		if object["kind"] != kind {
			continue
		}
		data, err := json.Marshal(object)
		if err == nil {
			err = json.Unmarshal(data, &found)
		}
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	t.Fatalf("there is no %s", kind)
	return found
}

// names are KIND/NAMESPACE/NAME.
func names(objects []map[string]any) []string {
	var list []string
	for _, object := range objects {
		metadata, _ := object["metadata"].(map[string]any)
		list = append(list, fmt.Sprintf("%v/%v/%v", object["kind"], metadata["namespace"], metadata["name"]))
	}
	slices.Sort(list)
	return list
}

// The overlay of docs/install.md installs the image and the remote that it names, and nothing of the example's.
func TestTheOverlayOfTheTaskPage(t *testing.T) {
	page, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "```yaml\n# kustomization.yaml\n")
	text, _, _ = strings.Cut(text, "```")
	if !found {
		t.Fatal("there is no overlay on the page")
	}
	file, err := deploy.Manifests.ReadFile("base/appbur.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mine := strings.ReplaceAll(string(file), "git.example", "git.internal")

	objects, err := deploy.Overlay(strings.ReplaceAll(text, "../appbur/deploy", "../deploy"), map[string]string{"appbur.yaml": mine})
	if err != nil {
		t.Fatal(err)
	}
	image := typed[appsv1.Deployment](t, objects, "Deployment").Spec.Template.Spec.Containers[0].Image
	configured := typed[corev1.ConfigMap](t, objects, "ConfigMap")
	if image != "registry.internal/appbur:v1.2.3" || configured.Name != "appbur" || configured.Data["appbur.yaml"] != mine {
		t.Errorf("%s %s\n%s", image, configured.Name, configured.Data["appbur.yaml"])
	}
}

// Every component can be added to the base, alone and with all others, and nothing of the base gets lost.
func TestComponentsAreAdded(t *testing.T) {
	base := names(build(t))
	every := slices.Concat(components, foreign)
	for _, component := range every {
		if got := names(build(t, component)); !containsAll(got, base) {
			t.Errorf("with %s there are %q", component, got)
		}
	}
	var wanted []string
	entries, err := deploy.Manifests.ReadDir("components")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "keys" {
			wanted = append(wanted, "components/"+entry.Name())
		}
	}
	if !slices.Equal(wanted, components) {
		t.Errorf("the components are %q, and tested are %q", wanted, components)
	}
	build(t, slices.DeleteFunc(every, func(c string) bool { return c == "components/keys/sealed-secret" })...)
}

func containsAll(list, of []string) bool {
	return !slices.ContainsFunc(of, func(one string) bool { return !slices.Contains(list, one) })
}

// What is applied by default lies in one namespace, which is named in one place.
func TestNamespaceIsNamedOnce(t *testing.T) {
	objects, err := deploy.BuildDefault()
	if err != nil {
		t.Fatal(err)
	}
	moved, err := deploy.Overlay("resources: [../deploy]\nnamespace: elsewhere\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []struct {
		objects  []map[string]any
		in, from string
	}{{objects, "appbur-system", "elsewhere"}, {moved, "elsewhere", "appbur-system"}} {
		data, err := json.Marshal(set.objects)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), set.from) || !strings.Contains(string(data), set.in) {
			t.Errorf("in %s there is something of %s", set.in, set.from)
		}
	}
}

// The file is one that the daemon takes, and says nothing twice.
func TestConfigurationIsValid(t *testing.T) {
	c := deployed(t)
	if c.Guards != (configuration.Guards{}) || !c.LeaderElection.LeaderElect || !c.Push.Enabled ||
		!c.Apps.Find || len(c.Points.Schedules) == 0 {
		t.Errorf("%+v", c)
	}
}

func deployed(t *testing.T) configuration.Configuration {
	t.Helper()
	data, err := deploy.Manifests.ReadFile("base/appbur.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, err := configuration.Parse(data, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return document.Value
}

// The rights are those of this configuration: hack/generate.sh writes them.
func TestRightsAreThoseOfTheConfiguration(t *testing.T) {
	c := deployed(t)
	account := accessrules.Account{Namespace: "appbur-system", Name: "appbur"}
	want, err := accessrules.YAML(accessrules.Objects(account, accessrules.Work{
		SavesAll: true, MakesPoints: len(c.Points.Schedules) > 0, FindsApps: c.Apps.Find,
		Lease: accessrules.Lease{Name: c.LeaderElection.ResourceName},
	}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("base/rbac.yaml")
	if err != nil || string(got) != string(want) {
		t.Errorf("base/rbac.yaml is not what `appbur rbac --all-types --config base/appbur.yaml` prints: make generate (%v)", err)
	}
}

// Paths, ports and names that have to be the same in several places are.
func TestDeploymentFitsTheConfiguration(t *testing.T) {
	c := deployed(t)
	objects := build(t, components...)
	pod := typed[appsv1.Deployment](t, objects, "Deployment").Spec.Template.Spec
	container := pod.Containers[0]

	mounts := make(map[string]string)
	for _, mount := range container.VolumeMounts {
		mounts[mount.MountPath] = mount.Name
	}
	if mounts[c.Repository.Keys] != "keys" || mounts["/var/lib/appbur"] != "repository" ||
		!strings.HasPrefix(c.Repository.Path, "/var/lib/appbur/") {
		t.Errorf("mounted are %v, and wanted %+v", mounts, c.Repository)
	}
	if port := fmt.Sprintf("0.0.0.0:%d", container.Ports[0].ContainerPort); c.Metrics.Listen != port {
		t.Errorf("it listens on %s, and the port is %s", c.Metrics.Listen, port)
	}
	for _, remote := range c.Repository.Remotes {
		if !mountsLogin(pod, remote.Name) {
			t.Errorf("nobody mounts a login for %s", remote.Name)
		}
	}
	for _, probe := range []string{container.LivenessProbe.HTTPGet.Path, container.StartupProbe.HTTPGet.Path} {
		if probe != "/livez" {
			t.Errorf("a probe asks %s", probe)
		}
	}
	if container.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Errorf("a probe asks %s", container.ReadinessProbe.HTTPGet.Path)
	}
}

func mountsLogin(pod corev1.PodSpec, remote string) bool {
	for _, volume := range pod.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil && slices.ContainsFunc(source.Secret.Items, func(item corev1.KeyToPath) bool {
				return item.Path == "remotes/"+remote+"/password"
			}) {
				return true
			}
		}
	}
	return false
}

// Whoever brings the keys brings those that are mounted, and never the identity, which decrypts.
func TestKeysAreThoseThatAreMounted(t *testing.T) {
	pod := typed[appsv1.Deployment](t, build(t), "Deployment").Spec.Template.Spec
	var mounted []string
	for _, volume := range pod.Volumes {
		if volume.Name != "keys" {
			continue
		}
		for _, item := range volume.Projected.Sources[0].Secret.Items {
			mounted = append(mounted, item.Key)
		}
	}
	slices.Sort(mounted)
	if want := []string{"allowed_signers", "fingerprint.key", "signing.key"}; !slices.Equal(mounted, want) {
		t.Errorf("mounted are %q, want %q", mounted, want)
	}

	type external struct {
		Spec struct {
			Target struct{ Name string }
			Data   []struct{ SecretKey string }
		}
	}
	vault := typed[external](t, build(t, "components/keys/external-secret"), "ExternalSecret").Spec
	var brought []string
	for _, data := range vault.Data {
		brought = append(brought, data.SecretKey)
	}
	slices.Sort(brought)
	if vault.Target.Name != "appbur-keys" || !slices.Equal(brought, mounted) {
		t.Errorf("the vault brings %q to %s", brought, vault.Target.Name)
	}

	type sealed struct {
		Metadata struct{ Name string }
		Spec     struct{ EncryptedData map[string]string }
	}
	seal := typed[sealed](t, build(t, "components/keys/sealed-secret"), "SealedSecret")
	brought = nil
	for key := range seal.Spec.EncryptedData {
		brought = append(brought, key)
	}
	slices.Sort(brought)
	if seal.Metadata.Name != "appbur-keys" || !slices.Equal(brought, mounted) {
		t.Errorf("the sealed Secret %s brings %q", seal.Metadata.Name, brought)
	}
}

// The component for audit events allows what `appbur rbac` adds for its Service, and nothing else.
func TestRightsOfTheAuditComponent(t *testing.T) {
	account := accessrules.Account{Namespace: "appbur-system", Name: "appbur"}
	rules := func(service string) []accessrules.Rule {
		for _, object := range accessrules.Objects(account, accessrules.Work{SavesAll: true, LeadsService: service}) {
			if object.Kind == "Role" {
				return object.Rules
			}
		}
		return nil
	}
	var want []accessrules.Rule
	for _, rule := range rules("appbur-audit") {
		if !slices.ContainsFunc(rules(""), func(r accessrules.Rule) bool { return fmt.Sprint(r) == fmt.Sprint(rule) }) {
			want = append(want, rule)
		}
	}

	for _, object := range build(t, "components/audit") {
		metadata, _ := object["metadata"].(map[string]any)
		if object["kind"] != "Role" || metadata["name"] != "appbur-audit" {
			continue
		}
		var got struct{ Rules []accessrules.Rule }
		data, err := json.Marshal(object)
		if err == nil {
			err = json.Unmarshal(data, &got)
		}
		if err != nil || len(want) == 0 || fmt.Sprint(got.Rules) != fmt.Sprint(want) {
			t.Errorf("%v\nthere is %+v\nwant     %+v", err, got.Rules, want)
		}
		return
	}
	t.Error("there is no Role")
}
