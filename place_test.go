package appbur_test

import (
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func TestPlaceIsWhatThePathSays(t *testing.T) {
	for _, id := range []appbur.ObjectID{
		{Kind: "Node", Name: "a"},
		{Group: "apps", Kind: "Deployment", Namespace: "team-a", Name: "web"},
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:node"},
		{Kind: "ConfigMap", Namespace: "con", Name: "Ünder.score"},
	} {
		place, err := appbur.ParsePlace(id.Path())
		if err != nil {
			t.Fatal(err)
		}
		want := appbur.Place{Type: strings.ToLower(id.GroupKind().String()), Namespace: id.Namespace, Name: id.Name}
		if place != want {
			t.Errorf("ParsePlace(%q) = %+v, want %+v", id.Path(), place, want)
		}
		if id.Name == "web" && place.String() != "deployment.apps/team-a/web" {
			t.Errorf("printed as %s", place)
		}
	}

	for _, path := range []string{"", "appbur.yaml", "cluster/x", "cluster/x/%zz.yaml", "apps/a/b.yaml"} {
		if place, err := appbur.ParsePlace(path); err == nil {
			t.Errorf("ParsePlace(%q) = %+v", path, place)
		}
	}
}
