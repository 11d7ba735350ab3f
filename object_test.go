package appbur_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

func TestObjectIDTextForm(t *testing.T) {
	for _, test := range []struct {
		text string
		id   appbur.ObjectID
		path string
	}{
		{"Namespace/team-a", appbur.ObjectID{Kind: "Namespace", Name: "team-a"}, "cluster/namespace/team-a.yaml"},
		{
			"ClusterRole.rbac.authorization.k8s.io/system:node",
			appbur.ObjectID{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:node"},
			"cluster/clusterrole.rbac.authorization.k8s.io/system%3anode.yaml",
		},
		{
			"Deployment.apps/team-a/web",
			appbur.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "team-a", Name: "web"},
			"namespaces/team-a/deployment.apps/web.yaml",
		},
		{
			"ConfigMap/aux/con",
			appbur.ObjectID{Kind: "ConfigMap", Namespace: "aux", Name: "con"},
			"namespaces/%61ux/configmap/%63on.yaml",
		},
	} {
		t.Run(test.text, func(t *testing.T) {
			id, err := appbur.ParseObjectID(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if id != test.id {
				t.Errorf("parsed %+v, want %+v", id, test.id)
			}

			if id.String() != test.text {
				t.Errorf("String() = %q, want %q", id.String(), test.text)
			}
			if id.Path() != test.path {
				t.Errorf("Path() = %q, want %q", id.Path(), test.path)
			}
			namespace, err := appbur.NamespaceOfPath(id.Path())
			if err != nil || namespace != id.Namespace {
				t.Errorf("NamespaceOfPath(%q) = %q, %v; want %q", id.Path(), namespace, err, id.Namespace)
			}
		})
	}
}

func TestParseObjectIDRefuses(t *testing.T) {
	for _, text := range []string{"", "Pod", "Pod/", "/a", "Pod//a", "Pod/a/b/c", ".apps/a", "Deployment./a", "a b/c"} {
		if id, err := appbur.ParseObjectID(text); err == nil {
			t.Errorf("ParseObjectID(%q) = %+v, want an error", text, id)
		}
	}
}

// Two objects never share a path, and every path checks out on every file system.
func TestPathIsInjectiveAndPortable(t *testing.T) {
	name := rapid.StringMatching(`[A-Za-z0-9:.%~_-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		a := appbur.ObjectID{Kind: "ConfigMap", Namespace: "n", Name: name.Draw(t, "a")}
		b := appbur.ObjectID{Kind: "ConfigMap", Namespace: "n", Name: name.Draw(t, "b")}
		if (a == b) != (a.Path() == b.Path()) {
			t.Fatalf("%v and %v: paths %q and %q", a, b, a.Path(), b.Path())
		}
		if a != b && strings.EqualFold(a.Path(), b.Path()) {
			t.Fatalf("%q and %q are one file on a case-insensitive file system", a.Path(), b.Path())
		}
		if strings.ContainsAny(a.Path(), "<>:\"|?*\\") {
			t.Fatalf("%q holds a character that Windows refuses", a.Path())
		}
		if !appbur.IsManifestPath(a.Path()) {
			t.Fatalf("%q is not recognised as a manifest", a.Path())
		}
	})
}

func FuzzParseObjectID(f *testing.F) {
	f.Add("Deployment.apps/team-a/web")
	f.Add("Namespace/team-a")
	f.Add("ClusterRole.rbac.authorization.k8s.io/system:node")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := appbur.ParseObjectID(text)
		if err != nil {
			return
		}
		if id.String() != text {
			t.Errorf("%q parsed and printed is %q", text, id.String())
		}
	})
}
