//go:build integration

package builtins

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// customVersion is one version of a definition under test.
type customVersion struct {
	name                        string
	served, storage, deprecated bool
}

// customKind is a definition under test.
type customKind struct {
	plural, kind string
	conversion   string
	versions     []customVersion
}

const converting = `{strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {url: "https://127.0.0.1:1/convert"}}}`

func (k customKind) name() string { return k.plural + ".example.org" }

func (k customKind) yaml() []byte {
	var versions []string
	for _, v := range k.versions {
		versions = append(versions,
			fmt.Sprintf("{name: %s, served: %t, storage: %t, deprecated: %t, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}",
				v.name, v.served, v.storage, v.deprecated))
	}
	return fmt.Appendf(nil, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %s}\n"+
		"spec: {group: example.org, scope: Namespaced, names: {plural: %s, kind: %s}, conversion: %s, versions: [%s]}\n",
		k.name(), k.plural, k.kind, k.conversion, strings.Join(versions, ", "))
}

func (k customKind) at(version string) resource {
	return resource{
		GroupVersionResource: schema.GroupVersionResource{Group: "example.org", Version: version, Resource: k.plural},
		namespaced:           true,
	}
}

// TestCustomKindOnce checks that custom resources are saved once, at the storage
// version where it is served, and that the index records what an upgrade has to know
// of the versions.
func TestCustomKindOnce(t *testing.T) {
	const none = "{strategy: None}"
	for _, kube := range []string{"1.24.17", "1.37.1"} {
		t.Run(kube, func(t *testing.T) {
			s := newServer(t, kube)
			moved := customKind{plural: "movers", kind: "Mover", conversion: none, versions: []customVersion{
				{name: "v1alpha1", served: true, storage: true}, {name: "v1beta1", served: true},
			}}
			s.define(moved)
			s.createCustom(moved, "v1alpha1", "before")
			// The storage version moves on, an older one is deprecated, a newer one comes.
			moved.versions = []customVersion{
				{name: "v1alpha1", served: true, deprecated: true},
				{name: "v1beta1", served: true, storage: true},
				{name: "v1", served: true},
				{name: "v2"},
			}
			s.define(moved)
			s.createCustom(moved, "v1", "after")
			hidden := customKind{plural: "hiders", kind: "Hider", conversion: none, versions: []customVersion{
				{name: "v1beta1", served: true}, {name: "v1", served: true}, {name: "v2", storage: true},
			}}
			s.define(hidden)
			s.createCustom(hidden, "v1beta1", "one")
			converted := customKind{plural: "converters", kind: "Converter", conversion: converting, versions: []customVersion{
				{name: "v1", served: true, storage: true}, {name: "v1beta1", served: true},
			}}
			s.define(converted)
			s.createCustom(converted, "v1", "one")

			c := s.capture()
			checkOnce(t, c, map[string]string{"Mover.example.org": "v1beta1", "Hider.example.org": "v1", "Converter.example.org": "v1"})
			for _, each := range []struct{ kind, name, wrote, read string }{
				{"Mover", "before", "v1alpha1", "v1beta1"},
				{"Mover", "after", "v1", "v1beta1"},
				{"Hider", "one", "v1beta1", "v1"},
				{"Converter", "one", "v1", "v1"},
			} {
				r := c.results[appbur.ObjectID{Group: "example.org", Kind: each.kind, Namespace: "default", Name: each.name}.String()]
				if r.Manifest.APIVersion != "example.org/"+each.read || !r.Decision.Saved {
					t.Errorf("%s %s is read at %q (%+v), want %s", each.kind, each.name, r.Manifest.APIVersion, r.Decision, each.read)
				}
				if len(r.Entry.Managers) != 1 || r.Entry.Managers[0].APIVersion != "example.org/"+each.wrote {
					t.Errorf("the index of %s %s has managers %+v, want one that wrote %s", each.kind, each.name, r.Entry.Managers, each.wrote)
				}
			}
			for _, each := range []struct {
				kind customKind
				want manifest.CustomVersions
			}{
				{moved, manifest.CustomVersions{
					Served: []string{"v1alpha1", "v1beta1", "v1"}, Deprecated: []string{"v1alpha1"},
					Storage: "v1beta1", Stored: []string{"v1alpha1", "v1beta1"}, Conversion: "None",
				}},
				{hidden, manifest.CustomVersions{Served: []string{"v1beta1", "v1"}, Storage: "v2", Stored: []string{"v2"}, Conversion: "None"}},
				{converted, manifest.CustomVersions{Served: []string{"v1", "v1beta1"}, Storage: "v1", Stored: []string{"v1"}, Conversion: "Webhook"}},
			} {
				id := appbur.ObjectID{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: each.kind.name()}
				files, err := manifest.EncodeIndex(map[appbur.ObjectID]manifest.Entry{id: c.results[id.String()].Entry})
				if err != nil {
					t.Fatal(err)
				}
				entries, err := manifest.DecodeIndex(files)
				if err != nil {
					t.Fatal(err)
				}
				got, _ := entries[id].CustomVersions()
				if d := diff.Diff(each.want, got); d != "" {
					t.Errorf("the index has of %s (-want +got):\n%s", each.kind.name(), d)
				}
			}
		})
	}
}

// define creates or changes a definition and waits until its versions are served.
func (s *server) define(k customKind) {
	s.t.Helper()
	path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + k.name()
	if err := s.accept(http.MethodPatch, path+"?fieldManager=tester&force=true", applied, k.yaml()); err != nil {
		s.t.Fatalf("define %s: %v", k.name(), err)
	}
	for _, v := range k.versions {
		if !v.served {
			continue
		}
		if err := s.accept(http.MethodGet, k.at(v.name).path("default", ""), "application/json", nil); err != nil {
			s.t.Fatalf("%s is not served at %s: %v", k.name(), v.name, err)
		}
	}
}

func (s *server) createCustom(k customKind, version, name string) {
	s.t.Helper()
	at := k.at(version)
	s.create(at, "default",
		fmt.Appendf(nil, "apiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec: {empty: {}}\n", at.GroupVersion(), k.kind, name))
}
