//go:build integration && unix

package compat

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
)

// TestMatrixConversions holds every conversion against API servers. Where a server serves the old version and the new
// one, an object is created in the old one and read in the new one, and must be what the server makes of our conversion:
// defaults are filled in by the same server on both sides, so that none needs a rule here. Where no server serves both,
// each server that serves the new version takes the conversion as a dry run, with strict field validation.
func TestMatrixConversions(t *testing.T) {
	objects := oldObjects(t)
	both, taken := map[conversionPair]bool{}, map[conversionPair]bool{} // the steps that a server was asked about
	asked := 0

	eachServer(t, func(t *testing.T, v appbur.KubeVersion, binaries kubebuild.Binaries) {
		s := askMatrixServer(t, startMatrixServer(t, v, binaries, everything(v)...))
		asked++
		for _, old := range objects {
			from, _ := GVKOf(old.object)
			for _, path := range reachable(from) {
				pair := conversionPair{from, path[len(path)-1].to}
				switch {
				case !s.serves(pair.to):
				case s.serves(pair.from):
					s.compare(t, old, path, both)
				default:
					s.accepts(t, old, path, taken)
				}
			}
		}
	})

	if asked < len(matrixVersions(t)) {
		t.Logf("%d of %d versions asked: which conversions no server was asked about is not counted", asked, len(matrixVersions(t)))
		return
	}
	more := 0
	for pair := range conversionPairs() {
		switch {
		case both[pair]:
		case taken[pair]:
			more++
		case excused[pair] == "":
			t.Errorf("no server was asked about %s", pair)
		}
	}
	t.Logf("%d steps are what a server makes of the same object, %d more are taken by a server", len(both), more)
}

// conversionPair is one step of the table of conversions, or several.
type conversionPair struct{ from, to GroupVersionKind }

func (p conversionPair) String() string { return fmt.Sprintf("%s to %s", p.from, p.to) }

// conversionPairs are the single steps.
func conversionPairs() map[conversionPair]bool {
	pairs := map[conversionPair]bool{}
	for from, steps := range conversionsFrom {
		for _, step := range steps {
			pairs[conversionPair{from, step.to}] = true
		}
	}
	return pairs
}

// excused are conversions that no server of the matrix can be asked about, and why.
var excused = map[conversionPair]string{}

// tooOld are golden files whose object a server refuses although it serves the version: the version was another one in
// an earlier release. The conversion is then taken as a dry run only.
var tooOld = map[string]string{
	"an-alpha-admission-binding-denies-as-it-did":                "v1alpha1 of 1.26 had no validationActions, and 1.27 made them required",
	"an-alpha-resource-claim-loses-its-controller":               "v1alpha3 had spec.controller in 1.31 only",
	"a-v2beta1-autoscaler-gets-identifiers-targets-and-behavior": "in v2beta1 servers lose the container of a metric, and then miss it",
}

// reviewed says where our conversion differs from that of a server on purpose, by changing what the server shows.
var reviewed = map[appbur.GroupKind]func(object map[string]any){
	// A server shows in deprecatedTopology what v1 has no field for, and no client can write it there. A hostname that
	// stood there in v1beta1 was how the node was named before nodeName existed.
	{Group: "discovery.k8s.io", Kind: "EndpointSlice"}: func(object map[string]any) {
		eachMap(listAt(object, "endpoints"), "", func(endpoint map[string]any, _ string) {
			if host := stringAt(endpoint, "deprecatedTopology", labelHostname); host != "" && endpoint["nodeName"] == nil {
				endpoint["nodeName"] = host
			}
			delete(endpoint, "deprecatedTopology")
		})
	},
}

// oldObject is a manifest in a version from which conversions lead.
type oldObject struct {
	name   string
	object map[string]any
}

// oldObjects reads the inputs of the golden files, and testdata/conversions.yaml, which has the kinds that are only renamed.
func oldObjects(t *testing.T) []oldObject {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	var objects []oldObject
	add := func(name string, object map[string]any) {
		if from, ok := GVKOf(object); ok && len(conversionsFrom[from]) > 0 {
			objects = append(objects, oldObject{name, object})
		}
	}

	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		add(strings.TrimSuffix(filepath.Base(file), ".txtar"), decodeYAML(t, section(archive, "in.yaml")))
	}
	for i, document := range documents(t, "testdata/conversions.yaml") {
		for apiVersion := range strings.FieldsSeq(stringAt(document, "apiVersion")) {
			object := cloneObject(document)
			object["apiVersion"] = apiVersion
			add(fmt.Sprintf("conversions.yaml %d", i+1), object)
		}
	}
	return objects
}

// documents reads a file of several manifests.
func documents(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	for _, document := range strings.Split(string(text), "\n---\n") {
		objects = append(objects, decodeYAML(t, document))
	}
	return objects
}

// asking is a server with the clients that ask it.
type asking struct {
	*matrixServer
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
}

func askMatrixServer(t *testing.T, s *matrixServer) *asking {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := dynamic.NewForConfig(s.config)
	if err != nil {
		t.Fatal(err)
	}
	a := &asking{s, objects, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))}

	for _, name := range []string{"demo", "team-a", "other"} {
		namespace := map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}
		if _, err := a.create(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func (a *asking) serves(gvk GroupVersionKind) bool {
	return slices.Contains(a.served[gvk.GroupKind()], gvk.Version)
}

// only is this server as it would be if the new version of the kind alone were served.
func (a *asking) only(pair conversionPair) Target {
	served := maps.Clone(a.served)
	delete(served, pair.from.GroupKind())
	served[pair.to.GroupKind()] = []string{pair.to.Version}
	return NewDiscoveryTarget(a.version, served)
}

// compare creates an object in its old version, reads it in the new one, and compares that with what the server makes
// of our conversion.
func (a *asking) compare(t *testing.T, old oldObject, path []conversion, done map[conversionPair]bool) {
	t.Helper()
	pair := conversionPair{path[0].from, path[len(path)-1].to}
	ours := a.accepts(t, old, path, done)
	if ours == nil {
		return
	}

	created, err := a.create(t.Context(), old.object)
	if tooOld[old.name] != "" {
		if err == nil {
			t.Errorf("%s: the server takes the old object: %q is no longer true", old.name, tooOld[old.name])
		}
		return
	}
	if err != nil {
		t.Errorf("%s, %s: the server refuses the old object: %v", old.name, pair, err)
		return
	}
	created.SetAPIVersion(pair.to.APIVersion())
	theirs, err := a.resource(t, created).Get(t.Context(), created.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Errorf("%s, %s: reading it in the new version: %v", old.name, pair, err)
		return
	}
	err = a.resource(t, created).Delete(t.Context(), created.GetName(), *metav1.NewDeleteOptions(0))
	if err != nil && !apierrors.IsNotFound(err) {
		t.Errorf("%s: %v", old.name, err)
	}

	want := written(theirs)
	if change, ok := reviewed[pair.to.GroupKind()]; ok {
		change(want)
	}
	if diff := cmp.Diff(want, written(ours)); diff != "" {
		t.Errorf("%s, %s: (-what the server makes of the old object +what it makes of our conversion)\n%s", old.name, pair, diff)
	}
}

// accepts has the server take a conversion as a dry run, and returns what it makes of it, or nil. An object that no
// conversion makes creatable is a case of the golden files, which say why.
func (a *asking) accepts(t *testing.T, old oldObject, path []conversion, done map[conversionPair]bool) *unstructured.Unstructured {
	t.Helper()
	pair := conversionPair{path[0].from, path[len(path)-1].to}
	verdict := Judge(old.object, a.only(pair))
	if !verdict.Creatable() {
		return nil
	}
	converted, err := Convert(old.object, verdict, a.only(pair))
	if err != nil {
		t.Errorf("%s, %s: %v", old.name, pair, err)
		return nil
	}
	answer, err := a.create(t.Context(), converted, metav1.DryRunAll)
	if err != nil {
		t.Errorf("%s, %s: the server refuses the conversion: %v", old.name, pair, err)
		return nil
	}

	for _, step := range path {
		done[conversionPair{step.from, step.to}] = true
	}
	return answer
}

// create creates an object, in earnest or as a dry run. Servers before 1.25 do not validate fields.
func (a *asking) create(ctx context.Context, object map[string]any, dryRun ...string) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{Object: cloneObject(object)}
	resource, err := a.resourceOf(u)
	if err != nil {
		return nil, err
	}
	return resource.Create(ctx, u, metav1.CreateOptions{DryRun: dryRun, FieldValidation: metav1.FieldValidationStrict})
}

func (a *asking) resource(t *testing.T, u *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	resource, err := a.resourceOf(u)
	if err != nil {
		t.Fatal(err)
	}
	return resource
}

func (a *asking) resourceOf(u *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := u.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(schema.GroupKind{Group: gvk.Group, Kind: gvk.Kind}, gvk.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return a.dynamic.Resource(mapping.Resource).Namespace(u.GetNamespace()), nil
	}
	return a.dynamic.Resource(mapping.Resource), nil
}

// written is an object without what every server writes anew, and without its status.
func written(u *unstructured.Unstructured) map[string]any {
	object := cloneObject(u.Object)
	delete(object, "status")
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"} {
		delete(mapAt(object, "metadata"), field)
	}
	return object
}
