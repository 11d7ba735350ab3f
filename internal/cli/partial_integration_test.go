//go:build integration

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// An account that may not read everything makes a partial point: the exit code says
// so, the warnings and the coverage say which types and why, and no file goes.
func TestAPartialBackupSaysWhy(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.37.1")
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "password"}, StringData: map[string]string{"password": "hunter2"}}
	if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.ok("init", s.repo, "--keys", s.keys)
	first := s.backup(cluster)
	s.leaveOutAnApplication(cluster)

	read := func(groups, resources []string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: groups, Resources: resources, Verbs: []string{"get", "list", "watch"}}
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{
		read([]string{""}, []string{"namespaces", "configmaps"}), read([]string{"apiextensions.k8s.io", "apiregistration.k8s.io"}, []string{"*"}),
	}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "reader"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "reader"}},
	}
	if _, err := client.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	code, out, errs := s.run("backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", actingAs(t, cluster, "reader"), "--json")
	if code != ExitPartly {
		t.Fatalf("exit code %d, want %d\n%s%s", code, ExitPartly, out, errs)
	}
	var report backupReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if !report.Point.Partial || report.Removed != 0 || report.Point.Objects < first.Point.Objects {
		t.Errorf("partial %v, %d removed, %d objects after %d", report.Point.Partial, report.Removed, report.Point.Objects, first.Point.Objects)
	}
	const why = `the account may not read this: secrets is forbidden: User "reader" cannot list resource "secrets"`
	if n := strings.Count(errs, "warning:"); n > 3 || strings.Count(errs, "the account may not read this") != 1 ||
		!strings.Contains(errs, `User "reader" cannot list resource`) {
		t.Errorf("%d warnings do not say once why:\n%s", n, errs)
	}
	if report.Saved+report.Kept != report.Point.Objects || report.Kept == 0 || report.Saved >= first.Saved {
		t.Errorf("%d saved and %d kept of %d, of %d before", report.Saved, report.Kept, report.Point.Objects, first.Saved)
	}
	if code, out, _ := s.run("points", "show", string(report.Point.ID), "--repo", s.repo, "--keys", s.keys); code != ExitDone ||
		!strings.Contains(out, why) {
		t.Errorf("points show: exit code %d\n%s", code, out)
	}
	if s.tryGit("show", "main:namespaces/default/secret/password.yaml") == "" {
		t.Error("the file of a Secret that may not be read is gone")
	}
}

// leaveOutAnApplication saves an application once and then forgets it, which is told
// until it is retired.
func (s *story) leaveOutAnApplication(c *testcluster.Cluster) {
	s.Helper()
	address := serveRows(s.T, 1)
	whole := s.backup(c, "--app", "team/notes="+address)

	code, out, errs := s.run("backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", c.Kubeconfig)
	if code != ExitPartly || !strings.Contains(out, "(PARTIAL)") ||
		!strings.Contains(out, "team/notes: MISSING, last saved in "+string(whole.Point.ID)) {
		s.Errorf("exit code %d without the application\n%s", code, out)
	}
	if !strings.Contains(errs, "warning: the restore point will be partial without the application team/notes") ||
		!strings.Contains(errs, "hint: save it with --app team/notes=ADDRESS, or if it is gone for good: appbur apps retire team/notes") {
		s.Errorf("the way out is not told:\n%s", errs)
	}
	if latest := s.ok("points", "show", "latest", "--repo", s.repo, "--keys", s.keys); !strings.Contains(latest, string(whole.Point.ID)) {
		s.Errorf("latest is\n%s", latest)
	}

	s.ok("apps", "retire", "notes", "--yes", "--repo", s.repo, "--keys", s.keys)
	if again := s.backup(c); again.Point.Partial || len(again.Point.Missing) > 0 {
		s.Errorf("after it was retired: partial %v, missing %v", again.Point.Partial, again.Point.Missing)
	}
}

// actingAs returns a kubeconfig of somebody else.
func actingAs(t *testing.T, c *testcluster.Cluster, user string) string {
	t.Helper()
	data, err := os.ReadFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(data), "token:")
	if !found {
		t.Fatal("the kubeconfig holds no token")
	}
	indent := before[strings.LastIndexByte(before, '\n')+1:]
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(before+"as: "+user+"\n"+strings.ReplaceAll(indent, "-", " ")+"token:"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
