//go:build integration

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/leader"
	"github.com/appbur/appbur/internal/leader/timing"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// watched is a cluster with an application, whose rights are asked for.
type watched struct {
	*town
	app   orders
	admin kubernetes.Interface
}

// The account that `appbur rbac` describes saves everything, and none of its rights can be spared.
func TestRightsOfTheDaemon(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			w := &watched{town: emptyTown(t, version), app: serveOrders(t)}
			var err error
			if w.admin, err = kubernetes.NewForConfig(w.cluster.RESTConfig()); err != nil {
				t.Fatal(err)
			}
			w.create(fmt.Sprintf(strings.TrimSpace(ordersShop), w.app.ca, w.app.port))
			w.create("{apiVersion: v1, kind: Namespace, metadata: {name: appbur-system}}")
			w.create(`
{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: shop}, stringData: {key: s3cr3t-value}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]`)
			kubelet(t, w.admin, "shop")
			untilReady(t, w.admin, "shop", true)
			w.eventually("the new type is served", func() bool {
				_, err := w.admin.Discovery().ServerResourcesForGroupVersion("example.org/v1")
				return err == nil
			})

			t.Run("they are enough", w.enough)
			t.Run("those for all types are enough", w.enoughForAll)
			t.Run("none of them can be spared", w.least)
			t.Run("each right to the Lease is needed", w.elected)
			t.Run("a type that the rules leave out is not read", w.leftOut)
		})
	}
}

// printed returns the objects that the command prints for a daemon which makes points.
func (w *watched) printed(more ...string) []rbacObject {
	w.Helper()
	var list struct{ Items []rbacObject }
	out := w.ok(append([]string{
		"rbac", "--json", "--kubeconfig", w.cluster.Kubeconfig, "--repo", w.repo, "--keys", w.keys,
		"--find-apps", "--schedule", "often=@every 1s",
	}, more...)...)
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		w.Fatal(err)
	}
	return list.Items
}

type rbacObject struct {
	Kind  string
	Rules []rbacv1.PolicyRule
}

// account applies what is printed, waits until it holds, and returns a kubeconfig of the account.
func (w *watched) account(name string, more ...string) string {
	w.Helper()
	args := append([]string{"--kubeconfig", w.cluster.Kubeconfig, "--repo", w.repo, "--keys", w.keys, "--name", name}, more...)
	w.create(w.ok(append([]string{"rbac", "--find-apps", "--schedule", "often=@every 1s"}, args...)...))
	user := "system:serviceaccount:appbur-system:" + name
	w.allowed(user, nil, authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets"})
	return actingAs(w.T, w.cluster, user)
}

// allowed waits until the API server has heard of a right.
func (w *watched) allowed(user string, groups []string, what authorizationv1.ResourceAttributes) {
	w.Helper()
	w.eventually("the rights hold", func() bool {
		review := &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: &what},
		}
		answer, err := w.admin.AuthorizationV1().SubjectAccessReviews().Create(w.Context(), review, metav1.CreateOptions{})
		return err == nil && answer.Status.Allowed
	})
}

func (w *watched) enough(t *testing.T) { w.saves(t, w.account("exact")) }

func (w *watched) enoughForAll(t *testing.T) { w.saves(t, w.account("all", "--all-types")) }

// saves has the account make a point by a backup, and another one by a daemon; nothing may be missing
// from either, and nothing is told to be.
func (w *watched) saves(t *testing.T, kubeconfig string) {
	args := []string{"backup", "--repo", w.repo, "--keys", w.keys, "--kubeconfig", kubeconfig, "--find-apps", "--json"}
	code, out, errs := w.run(append(args, w.app.present...)...)
	var report backupReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != ExitDone {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if report.Point.Partial || len(report.Point.Apps) != 1 || strings.Contains(errs, "warning") {
		t.Errorf("partial %v, applications %v\n%s", report.Point.Partial, report.Point.Apps, errs)
	}
	if w.tryGit("show", string(report.Point.ID)+":namespaces/shop/secret/token.yaml") == "" &&
		w.tryGit("show", "main:namespaces/shop/secret/token.yaml") == "" {
		t.Error("the Secret is not saved")
	}

	last := w.points(t)[0]
	flags := append([]string{"--find-apps", "--even-unchanged", "--schedule", "often=@every 1s"}, w.app.present...)
	daemon := w.startAt(kubeconfig, time.Now, flags...)
	var newest appbur.RestorePoint
	w.eventually("a daemon makes points", func() bool { newest = w.points(t)[0]; return newest.Sequence > last.Sequence+1 })
	if code := daemon.stop(); code != ExitDone {
		t.Errorf("run ended with %d", code)
	}
	if newest.Partial || len(newest.Apps) != 1 || strings.Contains(daemon.log(), "forbidden") || strings.Contains(daemon.log(), "level=WARN") {
		t.Errorf("partial %v, applications %v\n%s", newest.Partial, newest.Apps, daemon.log())
	}
}

// least gives each right to a group of its own. Somebody who is in all groups lacks nothing, and
// whoever is in all but one is told what that one was for.
func (w *watched) least(t *testing.T) {
	rights := w.rights()
	groups := make([]string, len(rights))
	for i, right := range rights {
		groups[i] = fmt.Sprintf("right-%d", i)
		w.grant(groups[i], right)
	}
	last := rights[len(rights)-1]
	w.allowed("somebody", groups[len(groups)-1:], authorizationv1.ResourceAttributes{
		Verb: last.Verbs[0], Group: last.APIGroups[0], Resource: last.Resources[0],
	})
	all := w.someone(groups)
	if told := w.missing(all); len(told) > 0 {
		t.Fatalf("with all rights something is missing: %q", told)
	}

	var watches []string // all of them are taken away at once, because each is told of by itself
	want := make(map[string]bool)
	for i, right := range rights {
		if right.Verbs[0] == "watch" {
			watches = append(watches, groups[i])
			want[right.Resources[0]+"."+right.APIGroups[0]] = true
			continue
		}
		without := slices.Delete(slices.Clone(groups), i, i+1)
		if told := w.missing(w.someone(without)); len(told) == 0 {
			t.Errorf("nobody misses %v", right)
		}
	}
	without := slices.DeleteFunc(slices.Clone(groups), func(group string) bool { return slices.Contains(watches, group) })
	told := w.unwatched(w.someone(without), len(want))
	if !maps.Equal(told, want) {
		t.Errorf("told of are %v, want %v", slices.Sorted(maps.Keys(told)), slices.Sorted(maps.Keys(want)))
	}
	t.Logf("%d rights, %d of them to watch", len(rights), len(want))
}

// elected gives an account all rights to a Lease but one, and it is told which.
func (w *watched) elected(t *testing.T) {
	rights := w.rights("--leader-elect", "--type", "secrets")
	rights = slices.DeleteFunc(rights, func(r rbacv1.PolicyRule) bool { return !slices.Contains(r.Resources, "leases") })
	if len(rights) != 4 {
		t.Fatalf("%d rights to the Lease", len(rights))
	}
	for i := range len(rights) + 1 { // the last one lacks nothing
		name := fmt.Sprintf("elector-%d", i)
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: slices.Clone(rights)}
		lacks := "nothing"
		if i < len(rights) {
			role.Rules, lacks = slices.Delete(role.Rules, i, i+1), rights[i].Verbs[0]
		}
		config := w.elector(name, role)
		told := w.leads(config)
		if lacks == "nothing" && told != nil || lacks != "nothing" && !apierrors.IsForbidden(errors.Unwrap(told)) {
			t.Errorf("an account that lacks %s is told %v", lacks, told)
		}
		if err := w.admin.CoordinationV1().Leases("appbur-system").Delete(t.Context(), "appbur", metav1.DeleteOptions{}); err != nil &&
			!apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
}

// elector gives an account a role in the namespace of the Lease.
func (w *watched) elector(name string, role *rbacv1.Role) *rest.Config {
	w.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	}
	_, err := w.admin.RbacV1().Roles("appbur-system").Create(w.Context(), role, metav1.CreateOptions{})
	if err == nil {
		_, err = w.admin.RbacV1().RoleBindings("appbur-system").Create(w.Context(), binding, metav1.CreateOptions{})
	}
	if err != nil {
		w.Fatal(err)
	}
	some := role.Rules[0]
	what := authorizationv1.ResourceAttributes{
		Namespace: "appbur-system", Verb: some.Verbs[0], Group: some.APIGroups[0], Resource: some.Resources[0],
	}
	if len(some.ResourceNames) > 0 {
		what.Name = some.ResourceNames[0]
	}
	w.allowed(name, nil, what)
	config := w.cluster.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: name}
	return config
}

// leads takes part in an election until the Lease was renewed, and changes it as an answer to a request does. It returns
// what is told to be missing.
func (w *watched) leads(config *rest.Config) error {
	w.Helper()
	elector, err := leader.New(config, leader.Options{
		Namespace: "appbur-system", Name: "appbur", Identity: config.Impersonate.UserName, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Timing: timing.Timing{LeaseDuration: 5 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 200 * time.Millisecond},
	})
	if err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- elector.Run(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil })
	}()
	defer func() { stop(); <-ended }()

	var told error
	w.eventually("it leads, or is told why it does not", func() bool {
		if told = elector.Reaches(); told != nil {
			return true
		}
		lease, err := w.admin.CoordinationV1().Leases("appbur-system").Get(w.Context(), "appbur", metav1.GetOptions{})
		if err != nil || lease.Spec.RenewTime == nil || lease.Spec.AcquireTime == nil {
			return false
		}
		return lease.Spec.RenewTime.After(lease.Spec.AcquireTime.Time)
	})
	if told != nil {
		return told
	}
	return elector.Patch(w.Context(), types.MergePatchType, []byte(`{"metadata":{"annotations":{"a":"b"}}}`))
}

// rights are those that are printed for the cluster, one verb on one resource each.
func (w *watched) rights(more ...string) []rbacv1.PolicyRule {
	var rights []rbacv1.PolicyRule
	for _, object := range w.printed(more...) {
		for _, rule := range object.Rules {
			for _, verb := range rule.Verbs {
				one := rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: rule.APIGroups, ResourceNames: rule.ResourceNames}
				for _, resource := range rule.Resources {
					one.Resources = []string{resource}
					rights = append(rights, one)
				}
				if len(rule.NonResourceURLs) > 0 {
					rights = append(rights, rbacv1.PolicyRule{Verbs: one.Verbs, NonResourceURLs: rule.NonResourceURLs})
				}
			}
		}
	}
	return rights
}

func (w *watched) grant(group string, right rbacv1.PolicyRule) {
	w.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: group}, Rules: []rbacv1.PolicyRule{right}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: group}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: group},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group}},
	}
	_, err := w.admin.RbacV1().ClusterRoles().Create(w.Context(), role, metav1.CreateOptions{})
	if err == nil {
		_, err = w.admin.RbacV1().ClusterRoleBindings().Create(w.Context(), binding, metav1.CreateOptions{})
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *watched) someone(groups []string) *rest.Config {
	config := w.cluster.RESTConfig()
	config.Impersonate = rest.ImpersonationConfig{UserName: "somebody", Groups: groups}
	return config
}

// missing does what a daemon does, and returns what is told to be missing.
func (w *watched) missing(config *rest.Config) []string {
	w.Helper()
	source, err := exporter.New(config, manifest.Default(), exporter.Options{})
	if err != nil {
		w.Fatal(err)
	}
	var told []string
	tell := func(err error) {
		if err != nil {
			told = append(told, err.Error())
		}
	}
	_, err = source.Cluster(w.Context())
	tell(err)

	coverage, err := source.Capture(w.Context(), func(exporter.Type, manifest.Result) error { return nil })
	tell(err)
	for _, t := range coverage.Types {
		if !t.Complete {
			told = append(told, t.Resource+": "+t.Reason)
		}
	}
	for _, group := range coverage.Groups {
		told = append(told, group.GroupVersion+": "+group.Reason)
	}

	evidence, err := source.Deprecations(w.Context())
	tell(err)
	if evidence.Unreadable != "" {
		told = append(told, evidence.Unreadable)
	}
	cluster, err := services.NewCluster(config)
	tell(err)
	found, err := services.Finder{Cluster: cluster}.All(w.Context())
	tell(err)
	for _, app := range found {
		tell(app.Err)
	}
	return told
}

// unwatched returns the types that a watch reports as forbidden, once there are so many.
func (w *watched) unwatched(config *rest.Config, many int) map[string]bool {
	w.Helper()
	source, err := exporter.New(config, manifest.Default(), exporter.Options{})
	if err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithTimeout(w.Context(), 2*time.Minute)
	defer stop()
	h := &refusals{many: many, stop: stop, told: make(map[string]bool)}
	if err := source.Watch(ctx, h); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		w.Error(err)
	}
	return h.told
}

// refusals is an [exporter.Handler] that remembers which types may not be read.
type refusals struct {
	many int
	stop func()
	mu   sync.Mutex
	told map[string]bool
}

func (h *refusals) Failed(c appbur.TypeCoverage) error {
	if exporter.CauseOf(c.Reason) != exporter.CauseForbidden {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told[c.Resource+"."+c.Group] = true; len(h.told) >= h.many {
		h.stop()
	}
	return nil
}

func (h *refusals) Discovered([]exporter.Type) error { return nil }

func (h *refusals) Put(exporter.Type, manifest.Result) error { return nil }

func (h *refusals) Delete(exporter.Type, appbur.ObjectID, manifest.Revision) error { return nil }

func (h *refusals) Synced(exporter.Type, appbur.TypeCoverage, map[string]struct{}) error { return nil }

func (h *refusals) Covered(appbur.TypeCoverage) error { return nil }

func (h *refusals) Gone(exporter.Type) error { return nil }

func (h *refusals) Holes([]appbur.GroupFailure) error { return nil }

// leftOut has the rules of the repository leave Secrets out: there is no right to read them, and the
// point is complete without.
func (w *watched) leftOut(t *testing.T) {
	rule := "{exclude: [{kinds: [Secret], reason: they come from elsewhere}]}"
	w.ok("config", "set", "rules", rule, "--yes", "--repo", w.repo, "--keys", w.keys)
	for _, right := range w.rights() {
		if slices.Contains(right.Resources, "secrets") {
			t.Errorf("the account may %v Secrets", right.Verbs)
		}
	}

	w.create(w.ok("rbac", "--kubeconfig", w.cluster.Kubeconfig, "--repo", w.repo, "--keys", w.keys, "--name", "without"))
	user := "system:serviceaccount:appbur-system:without"
	w.allowed(user, nil, authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods"})
	kubeconfig := actingAs(t, w.cluster, user)
	code, out, errs := w.run("backup", "--repo", w.repo, "--keys", w.keys, "--kubeconfig", kubeconfig, "--allow-collapse", "--json")
	var report backupReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if strings.Contains(errs, "the account may not read") || w.tryGit("show", "main:namespaces/shop/secret/token.yaml") != "" {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}
