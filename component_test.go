package appbur_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

// Names that Kubernetes takes and no file system does are shortened, and the path
// says of which object it is.
func TestNamesThatAreTooLongForAFile(t *testing.T) {
	long := strings.Repeat("a", 253)
	group := strings.Repeat("g", 63) + "." + strings.Repeat("h", 63) + "." + strings.Repeat("i", 63) + "." + strings.Repeat("j", 50)
	for name, id := range map[string]appbur.ObjectID{
		"longest name":               {Kind: "ConfigMap", Namespace: "long", Name: long},
		"capitals":                   {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: strings.Repeat("A", 84)},
		"colons":                     {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: strings.Repeat(":", 84)},
		"letters of other alphabets": {Group: "rbac.authorization.k8s.io", Kind: "Role", Namespace: "long", Name: strings.Repeat("監", 30)},
		"longer than any name":       {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: strings.Repeat("system:", 1000)},
		"long kind and group":        {Group: group, Kind: strings.Repeat("K", 63), Namespace: strings.Repeat("n", 63), Name: long},
	} {
		t.Run(name, func(t *testing.T) {
			checkComponents(t, id.Path())
			checkComponents(t, appbur.IndexPath(id.GroupKind(), id.Namespace))
			other := id
			other.Name += "x"
			if other.Path() == id.Path() {
				t.Errorf("two objects lie at %s", id.Path())
			}
			place, err := appbur.ParsePlace(id.Path())
			if err != nil || !strings.Contains(place.Name, "…~") || place.Namespace != id.Namespace {
				t.Errorf("%s reads as %+v, %v", id.Path(), place, err)
			}
		})
	}
}

// What fits stays as it always was, and what does not has the path that it had when
// this was written: paths must last.
func TestPathsLast(t *testing.T) {
	fits := strings.Repeat("a", 250)
	for id, want := range map[appbur.ObjectID]string{
		{Kind: "ConfigMap", Namespace: "n", Name: fits}: "namespaces/n/configmap/" + fits + ".yaml",
		{Kind: "ConfigMap", Namespace: "n", Name: fits + "a"}: "namespaces/n/configmap/" + strings.Repeat("a", 185) +
			"~772f911dd9d6692897188d0b03f718fb5fbd02020d0fce1374f1354a31205024.yaml",
		{Kind: "ConfigMap", Namespace: "n", Name: strings.Repeat("A", 84)}: "namespaces/n/configmap/" + strings.Repeat("%41", 61) +
			"~ff9265df14681e44d170fd2b10c6cdf3991f731601d6b89cafe39691d3b42559.yaml",
	} {
		if got := id.Path(); got != want {
			t.Errorf("Path() = %q, want %q", got, want)
		}
	}
}

func TestLongPathsAreInjectiveAndPortable(t *testing.T) {
	name := rapid.StringMatching(`[A-Za-z0-9:.%~監é_-]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.IntRange(60, 300).Draw(t, "times")
		a := appbur.ObjectID{Kind: "Role", Namespace: "n", Name: strings.Repeat("x", times) + name.Draw(t, "a")}
		b := appbur.ObjectID{Kind: "Role", Namespace: "n", Name: strings.Repeat("x", times) + name.Draw(t, "b")}
		if (a == b) != strings.EqualFold(a.Path(), b.Path()) {
			t.Fatalf("%v and %v: paths %q and %q", a, b, a.Path(), b.Path())
		}
		checkComponents(t, a.Path())
		if !appbur.IsManifestPath(a.Path()) || strings.ContainsAny(a.Path(), "<>:\"|?*\\") {
			t.Fatalf("%q is no portable path of a manifest", a.Path())
		}
		if _, err := appbur.ParsePlace(a.Path()); err != nil {
			t.Fatal(err)
		}
	})
}

func checkComponents(t interface{ Errorf(string, ...any) }, path string) {
	for part := range strings.SplitSeq(path, "/") {
		if len(part) > 255 || part == "" {
			t.Errorf("%q has a name of %d bytes", path, len(part))
		}
	}
}
