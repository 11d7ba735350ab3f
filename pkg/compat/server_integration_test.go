//go:build integration && unix

package compat

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// newest is the release that golden files without another target are for.
const newest = "1.37.1"

// refusing are the rules whose input a new server must refuse: the proof that the
// rule is needed.
var refusing = []string{
	"cronjob-time-zone", "ingress-class-twice", "webhook-side-effects", "crd-structural",
	"crd-protected-group", "canonical-addresses",
}

// TestServerTakesConversions creates every result of the golden files on a real
// server, as a dry run with strict field validation, and shows that the server
// refuses what fix-ups repair.
func TestServerTakesConversions(t *testing.T) {
	s := startServer(t)
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	created, refused := 0, map[string]bool{}

	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in := decodeYAML(t, section(archive, "in.yaml"))
		gvk, ok := GVKOf(in)
		if !ok || !builtIn(gvk.GroupKind()) {
			continue
		}
		target := WithSource(s.target, sourceOf(parseTarget(t, archive)))
		verdict := Judge(in, target)
		if rule := refusingRule(archive, verdict); rule != "" && s.target.Serves(gvk.Group, gvk.Version, gvk.Kind) == Yes {
			if err := s.create(t.Context(), in); err == nil {
				t.Errorf("%s: the server takes the input, so that rule %s is not needed", file, rule)
			} else if !apierrors.IsInvalid(err) {
				t.Errorf("%s: want the input refused as invalid, got: %v", file, err)
			} else {
				refused[rule] = true
			}
		}
		if !verdict.Creatable() {
			continue
		}
		out, err := Convert(in, verdict, target)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if err := s.create(t.Context(), out); err != nil {
			t.Errorf("%s: the server refuses the result: %v", file, err)
			continue
		}
		created++
	}

	t.Logf("the server took %d results", created)
	for _, rule := range refusing {
		if !refused[rule] {
			t.Errorf("no golden file shows that the server refuses what rule %s repairs", rule)
		}
	}
}

// refusingRule returns the first rule of the verdict whose input must be refused.
func refusingRule(archive *txtar.Archive, v Verdict) string {
	for _, c := range v.Changes {
		if slices.Contains(refusing, c.Rule) {
			return c.Rule
		}
	}
	if v.Kind == Blocked && strings.Contains(section(archive, "verdict"), "sideEffects") {
		return "webhook-side-effects"
	}
	return ""
}

type server struct {
	target  Target
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
}

func startServer(t *testing.T) *server {
	t.Helper()
	config := testcluster.New(t, newest).RESTConfig()
	config.QPS, config.Burst = -1, 0
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}

	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		target:  NewDiscoveryTarget(kubeVersion(t, newest), servedKinds(t, clients.Discovery())),
		dynamic: objects,
		mapper:  restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(clients.Discovery())),
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo"}}
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	// Pods are admitted once the namespace has its service account.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	for {
		_, err := clients.CoreV1().ServiceAccounts("demo").Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			return s
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the namespace never got its service account: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// create has the server create the object as a dry run.
func (s *server) create(ctx context.Context, obj map[string]any) error {
	u := &unstructured.Unstructured{Object: cloneObject(obj)}
	mapping, err := s.mapper.RESTMapping(u.GroupVersionKind().GroupKind(), u.GroupVersionKind().Version)
	if err != nil {
		return err
	}
	var resource dynamic.ResourceInterface = s.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = s.dynamic.Resource(mapping.Resource).Namespace(u.GetNamespace())
	}
	_, err = resource.Create(ctx, u, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	return err
}

// servedKinds reads what the server serves, without subresources and reviews.
func servedKinds(t *testing.T, client discovery.DiscoveryInterface) map[appbur.GroupKind][]string {
	t.Helper()
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	served := map[appbur.GroupKind][]string{}

	for _, list := range lists {
		for _, resource := range list.APIResources {
			if strings.Contains(resource.Name, "/") || !slices.Contains(resource.Verbs, "create") {
				continue
			}
			gvk, ok := GVKOf(map[string]any{"apiVersion": list.GroupVersion, "kind": resource.Kind})
			if !ok {
				t.Fatalf("discovery lists %q %q", list.GroupVersion, resource.Kind)
			}
			served[gvk.GroupKind()] = append(served[gvk.GroupKind()], gvk.Version)
		}
	}

	return served
}
