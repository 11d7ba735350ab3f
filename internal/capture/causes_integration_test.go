//go:build integration

package capture_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/pkg/manifest"
)

// cause is one way in which a type cannot be read.
type cause struct {
	name string
	// begin makes it so; what it returns undoes it. It may be nil.
	begin func(*scene) func()
	// script is what goes wrong on the way to the server.
	script []faultproxy.Rule
	// user acts instead of the administrator.
	user string
	// holes are parts of what the coverage says, one for each type or group. None
	// means that everything is read.
	holes []string
	// fails is a part of the error of a capture that cannot be made at all.
	fails string
}

// scene is what the causes act in.
type scene struct {
	*world
	aggregated *aggregated
}

const shop = "shop"

// TestEachCauseKeepsFiles drives each reason why a type cannot be read, on a real
// server, through a whole capture into a repository: no file goes, and the coverage
// says why in words.
func TestEachCauseKeepsFiles(t *testing.T) {
	lists, discovery := faultproxy.Match(faultproxy.Lists), faultproxy.Match(faultproxy.Discovery)
	every := func(match faultproxy.Match, fault faultproxy.Fault) []faultproxy.Rule {
		return []faultproxy.Rule{{Match: match, Fault: fault}}
	}

	passing := func(match faultproxy.Match, fault faultproxy.Fault) []faultproxy.Rule {
		return []faultproxy.Rule{{Match: match, Times: 1, Fault: fault}}
	}
	causes := []cause{
		{name: "forbidden types", user: "reader", holes: []string{
			`Secret: the account may not read this: secrets is forbidden: User "reader" cannot list resource "secrets" in API group "" at the cluster scope`,
			"Widget.example.org: the account may not read this",
		}},
		{name: "forbidden definitions", user: "outsider", holes: []string{
			"group *: CustomResourceDefinitions cannot be listed, so which custom types exist is not known",
			"Widget.example.org: the account may not read this",
		}},
		{name: "aggregated API without a backend", begin: func(s *scene) func() {
			s.aggregated.down.Store(true)
			return func() { s.aggregated.down.Store(false); s.awaitTokens() }
		}, holes: []string{"Token.aggregated.example.net"}},
		{
			name: "aggregated API that forgets a kind", begin: func(s *scene) func() {
				s.aggregated.silent.Store(true)
				return func() { s.aggregated.silent.Store(false); s.awaitTokens() }
			}, script: every(faultproxy.Path("/apis"), faultproxy.LoseResources("tokens")),
			holes: []string{"Token.aggregated.example.net: discovery does not list it, and nothing proves that it is gone: its group is still registered for the aggregated API server behind Service shop/aggregated"},
		},
		{name: "429 that passes", script: passing(lists, faultproxy.TooManyRequests(0))},
		{
			name: "429 that stays", script: every(faultproxy.List("configmaps"), faultproxy.TooManyRequests(0)),
			holes: []string{"ConfigMap: the server is overloaded"},
		},
		{name: "500 that passes", script: passing(lists, faultproxy.Status(500, "InternalError", "boom"))},
		{
			name: "500 that stays", script: every(faultproxy.List("secrets"), faultproxy.Status(500, "InternalError", "boom")),
			holes: []string{"Secret: the server failed: boom"},
		},
		{
			name:   "503 on all but definitions",
			script: every(faultproxy.All(lists, not(faultproxy.List("customresourcedefinitions"))), faultproxy.Unavailable()),
			holes:  []string{"group *: APIServices cannot be listed", "ConfigMap: the server failed: ", "Widget.example.org: "},
		},
		{name: "all lists fail", script: every(lists, faultproxy.Unavailable()), fails: "no type could be read"},
		{
			name:   "continue token that expires once",
			script: passing(faultproxy.All(faultproxy.List("configmaps"), faultproxy.Continued), faultproxy.Expired()),
		},
		{
			name:   "continue tokens that always expire",
			script: every(faultproxy.All(faultproxy.List("configmaps"), faultproxy.Continued), faultproxy.Expired()),
			holes:  []string{"ConfigMap: listing all pages takes longer than the server keeps the continue token"},
		},
		{
			name: "a group blinks", script: every(discovery, faultproxy.LoseGroups("apps")),
			holes: []string{"Deployment.apps: it is registered, but discovery does not list it", "group apps/v1: it is registered"},
		},
		{
			name: "the core group blinks", script: every(discovery, faultproxy.LoseGroups("")),
			holes: []string{"ConfigMap: ", "Secret: ", "group v1: "},
		},
		{
			name: "custom groups blink", script: every(discovery, faultproxy.LoseGroups("example.org", "conversion.example.org")),
			holes: []string{"Widget.example.org: ", "Gadget.conversion.example.org: "},
		},
		{
			name: "an aggregated group blinks", script: every(discovery, faultproxy.LoseGroups(aggregatedGroup)),
			holes: []string{"Token.aggregated.example.net: "},
		},
		{name: "built-in types blink", script: every(discovery, faultproxy.LoseResources("deployments", "configmaps")), holes: []string{
			"Deployment.apps: discovery does not list it, and nothing proves that it is gone: ",
			"ConfigMap: discovery does not list it, and nothing proves that it is gone: v1 is registered",
		}},
		{
			name: "custom types blink", script: every(discovery, faultproxy.LoseResources("widgets", "gadgets")),
			holes: []string{"Widget.example.org: ", "Gadget.conversion.example.org: "},
		},
		{
			name: "groups and their witnesses are not found",
			script: every(oneOf(discovery, faultproxy.List("customresourcedefinitions"), faultproxy.List("apiservices")),
				faultproxy.Status(http.StatusNotFound, "NotFound", "no such path")), fails: "could not find the requested resource",
		},
		{
			name: "witnesses blink",
			script: append(every(discovery, faultproxy.LoseGroups("apiextensions.k8s.io", "apiregistration.k8s.io", "example.org", "apps")),
				every(oneOf(faultproxy.List("customresourcedefinitions"), faultproxy.List("apiservices")),
					faultproxy.Status(http.StatusNotFound, "NotFound", "no such path"))...),
			holes: []string{"Widget.example.org: ", "Deployment.apps: "},
		},
		{
			name:   "the list of groups is refused",
			script: every(faultproxy.Path("/apis"), faultproxy.Status(http.StatusForbidden, "Forbidden", "no")),
			fails:  "the account does not have the permission",
		},
		{
			name: "lists are not found", script: every(oneOf(faultproxy.List("widgets"), faultproxy.List("deployments")),
				faultproxy.Status(http.StatusNotFound, "NotFound", "no such path")),
			holes: []string{"Widget.example.org: it is not served at the moment", "Deployment.apps: it is not served at the moment"},
		},
	}

	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // the clusters have nothing in common
			s := newScene(t, version)
			before := s.tree(t)
			for _, path := range []string{
				"namespaces/shop/token.aggregated.example.net/one.yaml", "namespaces/shop/widget.example.org/three.yaml",
				"namespaces/shop/secret/two.yaml",
				"namespaces/shop/gadget.conversion.example.org/one.yaml", "namespaces/shop/deployment.apps/one.yaml",
			} {
				if _, ok := before[path]; !ok {
					t.Fatalf("%s is not saved", path)
				}
			}
			for _, c := range causes {
				t.Run(c.name, func(t *testing.T) {
					s := &scene{world: s.in(t), aggregated: s.aggregated}
					s.drive(c, before)
				})
			}
			s.equalsFresh()
		})
	}
}

// drive makes one backup under a cause and checks that nothing is lost.
func (s *scene) drive(c cause, before map[string]string) {
	s.Helper()
	if c.begin != nil {
		defer c.begin(s)()
	}
	s.proxy.Set(c.script...)
	defer s.proxy.Set()
	config := s.proxy.RESTConfig()
	if c.user != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: c.user}
	}

	coverage, err := s.backup(config, s.archive)
	switch {
	case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
		s.Errorf("the capture ended with %v, want %q%s", err, c.fails, holes(coverage))
	case c.fails == "" && err != nil:
		s.Fatal(err)
	case err == nil && coverage.Complete() != (len(c.holes) == 0):
		s.Errorf("complete: %v; the coverage says:%s", coverage.Complete(), holes(coverage))
	}

	for _, want := range c.holes {
		if !strings.Contains(holes(coverage), "\n"+want) {
			s.Errorf("the coverage has no %q:%s", want, holes(coverage))
		}
	}

	after := s.tree(s)
	for path := range before {
		if _, ok := after[path]; !ok {
			s.Errorf("%s is gone, its object is not", path)
		}
	}

	for i := range c.script {
		if s.proxy.Hits(i) == 0 {
			s.Errorf("fault %d was not met", i)
		}
	}
}

// newScene fills a cluster and backs it up once.
func newScene(t *testing.T, version string) *scene {
	t.Helper()
	protocol := faultproxy.HTTP2
	if version == versions[0] {
		protocol = faultproxy.HTTP1
	}
	w := newWorld(t, version, protocol)
	s := &scene{world: w}
	w.create("namespaces", object("v1", "Namespace", "", shop, nil))
	w.defineWidgets()

	for _, name := range []string{"one", "two", "three"} {
		w.create("configmaps", configMap(shop, name))
		w.create("secrets", secret(shop, name))
		w.create("deployments", deployment(shop, name))
		w.create("widgets", widget(shop, name))
	}

	w.storeGadgets(shop, "one", "two")
	w.awaitGadgets()
	s.aggregated = w.aggregate(shop)
	some := func(group string, resources ...any) map[string]any {
		return map[string]any{"apiGroups": []any{group}, "resources": resources, "verbs": []any{"get", "list", "watch"}}
	}
	w.grant("reader", some("", "configmaps", "namespaces", "services"), some("apiextensions.k8s.io", "*"), some("apiregistration.k8s.io", "*"),
		some("apps", "*"))
	w.grant("outsider", some("", "configmaps"))
	w.mustBackup(w.archive)

	t.Cleanup(func() {
		w := w.in(t)
		s.aggregated.unregister()
		w.undefineWidgets()
		w.remove(definitions, "", "gadgets.conversion.example.org")
	})

	return s
}

// grant gives a user the rights of a ClusterRole of the same name.
func (w *world) grant(user string, rules ...any) {
	w.Helper()
	w.create("clusterroles", object("rbac.authorization.k8s.io/v1", "ClusterRole", "", user, map[string]any{"rules": rules}))
	w.create("clusterrolebindings", object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", user, map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}},
	}))
}

func (w *world) awaitGadgets() {
	w.Helper()
	w.eventually("gadgets are read at v1", func() error {
		_, err := w.client.Resource(gadgets).List(w.ctx, metav1.ListOptions{})
		return err
	})
}

func (s *scene) awaitTokens() {
	s.Helper()
	s.eventually("the aggregated API is served", func() error { return s.serves("tokens") })
}

func not(match faultproxy.Match) faultproxy.Match {
	return func(r *http.Request) bool { return !match(r) }
}

// oneOf selects what one of the matches selects.
func oneOf(matches ...faultproxy.Match) faultproxy.Match {
	return func(r *http.Request) bool {
		return slices.ContainsFunc(matches, func(match faultproxy.Match) bool { return match(r) })
	}
}

// TestProofOfAbsence checks that files go when their kind is proven to be gone: a
// definition that was deleted, an API that was unregistered, a release without the
// kind; and that a kind which is missing from discovery only stays.
func TestProofOfAbsence(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // the clusters have nothing in common
			w := newWorld(t, version, faultproxy.HTTP2)
			w.create("namespaces", object("v1", "Namespace", "", "proof", nil))
			w.defineWidgets()
			w.create("widgets", widget("proof", "one"))
			backend := w.aggregate("proof")
			w.mustBackup(w.archive)
			// A file of a kind that 1.25 removed, from the time before.
			policy := object("policy/v1beta1", "PodSecurityPolicy", "", "old", map[string]any{"spec": map[string]any{}})
			result, err := manifest.Default().Make(policy)
			if err != nil {
				t.Fatal(err)
			}
			writer := w.writer(w.archive)
			if err := writer.Put(result); err != nil {
				t.Fatal(err)
			}
			if _, err := writer.Commit(t.Context(), time.Now(), appbur.Coverage{}); err != nil {
				t.Fatal(err)
			}

			backend.unregister()
			w.undefineWidgets()
			w.proxy.Set(faultproxy.Rule{Match: faultproxy.Discovery, Fault: faultproxy.LoseResources("podsecuritypolicies", "configmaps")})
			coverage, err := w.backup(w.proxy.RESTConfig(), w.archive)
			if err != nil {
				t.Fatal(err)
			}
			tree := w.tree(t)
			_, kept := tree["cluster/podsecuritypolicy.policy/old.yaml"]
			if served := !w.identity.Version.AtLeast(1, 25); kept != served {
				t.Errorf("the kind is served: %v, its file is kept: %v%s", served, kept, holes(coverage))
			}
			for _, path := range []string{"namespaces/proof/widget.example.org/one.yaml", "namespaces/proof/token.aggregated.example.net/one.yaml"} {
				if _, kept := tree[path]; kept {
					t.Errorf("%s is kept%s", path, holes(coverage))
				}
			}
			w.proxy.Set()
			w.equalsFresh()
		})
	}
}

// TestDefinitionsComeAndGo deletes and creates definitions in the middle of a
// capture.
func TestDefinitionsComeAndGo(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // the clusters have nothing in common
			w := newWorld(t, version, faultproxy.HTTP1)
			w.create("namespaces", object("v1", "Namespace", "", "flux", nil))
			w.defineWidgets()
			for _, name := range []string{"one", "two", "three"} {
				w.create("widgets", widget("flux", name))
			}
			w.mustBackup(w.archive)
			const one, four = "namespaces/flux/widget.example.org/one.yaml", "namespaces/flux/widget.example.org/four.yaml"

			// It goes between two pages of its objects.
			w.proxy.Set(faultproxy.Rule{
				Match: faultproxy.All(faultproxy.List("widgets"), faultproxy.Continued), Times: 1,
				Fault: func(response http.ResponseWriter, r *http.Request, forward http.Handler) {
					w.undefineWidgets()
					forward.ServeHTTP(response, r)
				},
			})
			coverage, err := w.backup(w.proxy.RESTConfig(), w.archive)
			if err != nil {
				t.Fatal(err)
			}
			if _, kept := w.tree(t)[one]; kept && coverage.Complete() {
				t.Errorf("the definition is gone and its objects are said to be there%s", holes(coverage))
			}

			// It comes after discovery, with other objects.
			w.proxy.Set(faultproxy.Rule{
				Match: faultproxy.List("namespaces"), Times: 1,
				Fault: func(response http.ResponseWriter, r *http.Request, forward http.Handler) {
					w.defineWidgets()
					w.create("widgets", widget("flux", "four"))
					forward.ServeHTTP(response, r)
				},
			})
			if _, err := w.backup(w.proxy.RESTConfig(), w.archive); err != nil {
				t.Fatal(err)
			}
			w.equalsFresh()
			if _, there := w.tree(t)[four]; !there {
				t.Error("the new object is not saved")
			}

			// It goes and comes, with one of the objects, while the capture reads others.
			w.proxy.Set(faultproxy.Rule{
				Match: faultproxy.List("widgets"), Times: 1,
				Fault: func(response http.ResponseWriter, r *http.Request, forward http.Handler) {
					w.undefineWidgets()
					w.defineWidgets()
					w.create("widgets", widget("flux", "four"))
					forward.ServeHTTP(response, r)
				},
			})
			if coverage, err = w.backup(w.proxy.RESTConfig(), w.archive); err != nil {
				t.Fatal(err)
			}
			if _, there := w.tree(t)[four]; !there {
				t.Errorf("the object is there and its file is not%s", holes(coverage))
			}
			w.undefineWidgets()
			w.equalsFresh()
		})
	}
}
