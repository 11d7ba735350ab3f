package selection

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

// cluster is what the tables select from.
var cluster = []Object{
	{ID: id("Namespace/team-a")},
	{ID: id("Namespace/team-b"), Labels: map[string]string{"env": "prod"}},
	{ID: id("Deployment.apps/team-a/web"), Labels: map[string]string{"app": "web", "env": "prod"}},
	{ID: id("Deployment.apps/team-b/web"), Labels: map[string]string{"app": "web"}},
	{ID: id("Service/team-a/web"), Labels: map[string]string{"app": "web"}},
	{ID: id("Service.serving.knative.dev/team-a/hello")},
	{ID: id("ConfigMap/team-a/settings")},
	{ID: id("ConfigMap/kube-system/settings")},
	{ID: id("ClusterRole.rbac.authorization.k8s.io/reader")},
	{ID: id("Machine.cluster.x-k8s.io/team-a/m-1")},
	{ID: id("Cluster.cluster.x-k8s.io/team-a/prod")},
	{ID: id("Cluster.example.org/team-a/prod")},
}

var applications = []appbur.AppKey{{Namespace: "team-a", Name: "shop"}, {Namespace: "fleet-system", Name: "fleet"}}

var resources = []Resource{{
	Kind: appbur.GroupKind{Group: "cluster.x-k8s.io", Kind: "Machine"}, Names: []string{"machines", "machine", "ma"},
}}

func id(text string) appbur.ObjectID {
	parsed, err := appbur.ParseObjectID(text)
	if err != nil {
		panic(err)
	}
	return parsed
}

// resolve returns the selected objects and applications.
func resolve(t *testing.T, w Words) ([]string, Selection, error) {
	t.Helper()
	selector, err := Parse(w)
	if err != nil {
		return nil, Selection{}, err
	}
	selection, err := selector.Resolve(cluster, applications, resources)
	if err != nil {
		return nil, Selection{}, err
	}

	var held []string
	for _, o := range cluster {
		if selection.Holds(o) {
			held = append(held, o.ID.String())
		}
	}
	for _, app := range applications {
		if selection.HoldsApp(app) {
			held = append(held, "app "+app.String())
		}
	}
	return held, selection, nil
}

func TestWordsSelect(t *testing.T) {
	for _, test := range []struct {
		name  string
		words Words
		text  string
		want  string
	}{
		{
			"a namespace and what is in it",
			Words{Namespaces: []string{"team-b"}},
			"namespace team-b",
			"Namespace/team-b Deployment.apps/team-b/web",
		},
		{
			"a namespace has its applications",
			Words{Namespaces: []string{"fleet-*"}},
			"namespace fleet-*",
			"app fleet-system/fleet",
		},
		{
			"all that is given has to match",
			Words{Namespaces: []string{"team-*"}, Kinds: []string{"deploy"}, Labels: "env=prod"},
			"namespace team-*, kind deploy, labels env=prod", "Deployment.apps/team-a/web",
		},
		{
			"of a list one has to match",
			Words{Kinds: []string{"configmaps", "clusterrole"}},
			"kind clusterrole or configmaps",
			"ConfigMap/team-a/settings ConfigMap/kube-system/settings ClusterRole.rbac.authorization.k8s.io/reader",
		},
		{
			"the core group's kind is meant", Words{Kinds: []string{"service"}}, "kind service", "Service/team-a/web",
		},
		{
			"unless the group is named",
			Words{Kinds: []string{"services.serving.knative.dev"}},
			"kind services.serving.knative.dev",
			"Service.serving.knative.dev/team-a/hello",
		},
		{
			"a short name of a definition", Words{Kinds: []string{"ma"}}, "kind ma", "Machine.cluster.x-k8s.io/team-a/m-1",
		},
		{
			"kinds of a group",
			Words{Kinds: []string{"*.cluster.x-k8s.io"}},
			"kind *.cluster.x-k8s.io",
			"Machine.cluster.x-k8s.io/team-a/m-1 Cluster.cluster.x-k8s.io/team-a/prod",
		},
		{
			"names by pattern",
			Words{Names: []string{"set*"}, Namespaces: []string{"team-a"}},
			"namespace team-a, name set*",
			"ConfigMap/team-a/settings",
		},
		{
			"one object",
			Words{Objects: []string{"deployment/web"}, Namespaces: []string{"team-b"}},
			"deployment/web, namespace team-b",
			"Deployment.apps/team-b/web",
		},
		{
			"one object as appbur prints it",
			Words{Objects: []string{"Cluster.cluster.x-k8s.io/team-a/prod"}},
			"Cluster.cluster.x-k8s.io/team-a/prod", "Cluster.cluster.x-k8s.io/team-a/prod",
		},
		{
			"an object with an application",
			Words{Objects: []string{"svc/web"}, AppsAlso: []string{"team-a/shop"}},
			"svc/web",
			"Service/team-a/web app team-a/shop",
		},
		{
			"an application alone", Words{Apps: []string{"shop"}}, "application shop", "app team-a/shop",
		},
		{
			"exclusions",
			Words{
				Namespaces: []string{"team-*"}, ExcludeNames: []string{"web"},
				ExcludeKinds:  []string{"*.example.org", "machines", "service.*", "service"},
				ExcludeLabels: "env=prod", ExcludeApps: []string{"*/shop"},
			},
			"namespace team-*, without kind *.example.org or machines or service or service.*, without name web, without labels env=prod, without application */shop",
			"Namespace/team-a ConfigMap/team-a/settings Cluster.cluster.x-k8s.io/team-a/prod",
		},
		{
			"everything but a namespace",
			Words{ExcludeNamespaces: []string{"team-a"}},
			"everything, without namespace team-a",
			"Namespace/team-b Deployment.apps/team-b/web ConfigMap/kube-system/settings ClusterRole.rbac.authorization.k8s.io/reader app fleet-system/fleet",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			held, selection, err := resolve(t, test.words)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(held, " "); got != test.want {
				t.Errorf("selected\n%s, want\n%s", got, test.want)
			}
			if selection.String() != test.text || selection.selector.Everything() {
				t.Errorf("it is called %q", selection)
			}
		})
	}
}

func TestNoWordsSelectEverything(t *testing.T) {
	held, selection, err := resolve(t, Words{})
	if err != nil || len(held) != len(cluster)+len(applications) || !selection.selector.Everything() {
		t.Errorf("%v %v %v", held, selection, err)
	}
}

func TestWordsThatMeanNothingAreRefused(t *testing.T) {
	for _, test := range []struct {
		words Words
		part  Part
		is    error
		known string
	}{
		{Words{Namespaces: []string{"team-a", "taem-b"}}, PartNamespace, ErrNoMatch, "team-b"},
		{Words{Kinds: []string{"deploymnet"}}, PartKind, ErrNoMatch, "deployment"},
		{Words{Kinds: []string{"x*"}}, PartKind, ErrNoMatch, "machine"},
		{Words{Kinds: []string{"cluster"}}, PartKind, ErrAmbiguous, ""},
		{Words{Names: []string{"wbe"}}, PartName, ErrNoMatch, "web"},
		{Words{Names: []string{"a[b"}}, PartName, ErrMalformed, ""},
		{Words{Names: []string{" "}}, PartName, ErrMalformed, ""},
		{Words{Labels: "a in (b"}, PartLabels, ErrMalformed, ""},
		{Words{Labels: "app=none"}, PartLabels, ErrNoMatch, ""},
		{Words{Objects: []string{"deployment"}}, PartObject, ErrMalformed, ""},
		{Words{Objects: []string{"deployment/"}}, PartObject, ErrMalformed, ""},
		{Words{Objects: []string{"a/b/c/d"}}, PartObject, ErrMalformed, ""},
		{Words{Objects: []string{"deployment/wbe"}}, PartObject, ErrNoMatch, "deployment/web"},
		{Words{Objects: []string{"confgmap/settings"}}, PartObject, ErrNoMatch, "configmap/settings"},
		{Words{Objects: []string{"deployment/web"}}, PartObject, ErrAmbiguous, ""},
		{Words{Objects: []string{"deployment/web"}, Namespaces: []string{"kube-system"}}, PartObject, ErrNoMatch, ""},
		{Words{Apps: []string{"shpo"}}, PartApp, ErrNoMatch, "shop"},
		{Words{ExcludeKinds: []string{"cluster"}}, PartExcludeKind, ErrAmbiguous, ""},
	} {
		_, _, err := resolve(t, test.words)
		var word *WordError
		if !errors.As(err, &word) || word.Part != test.part || !errors.Is(err, test.is) {
			t.Errorf("%+v: %v", test.words, err)
			continue
		}
		if test.known != "" && !slices.Contains(word.Known, test.known) {
			t.Errorf("%+v: it knows %q", test.words, word.Known)
		}
	}
}

func TestIdleExclusionsAreReported(t *testing.T) {
	_, selection, err := resolve(t, Words{
		ExcludeNamespaces: []string{"team-a", "gone"}, ExcludeKinds: []string{"cronjob"}, ExcludeNames: []string{"x"},
		ExcludeLabels: "a=b", ExcludeApps: []string{"none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var idle []string
	for _, word := range selection.Idle() {
		idle = append(idle, string(word.Part)+" "+word.Word)
	}
	want := []string{"exclude-kind cronjob", "exclude-namespace gone", "exclude-name x", "exclude-app none", "exclude-selector a=b"}
	if !slices.Equal(idle, want) {
		t.Errorf("%q, want %q", idle, want)
	}
}

// The same words select the same objects, in whatever order they and the objects come.
func TestOrderDoesNotMatter(t *testing.T) {
	words := Words{Namespaces: []string{"team-a", "team-b"}, Kinds: []string{"svc", "deploy"}}
	selector, err := Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(words.Namespaces)
	slices.Reverse(words.Kinds)
	other, err := Parse(words)
	if err != nil || other.String() != selector.String() {
		t.Errorf("%q and %q, %v", selector, other, err)
	}

	backwards := slices.Clone(cluster)
	slices.Reverse(backwards)
	a, err := selector.Resolve(cluster, applications, resources)
	if err != nil {
		t.Fatal(err)
	}
	b, err := other.Resolve(backwards, applications, resources)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range cluster {
		if a.Holds(o) != b.Holds(o) {
			t.Errorf("%s depends on the order", o.ID)
		}
	}
}

// Whatever is typed gets an answer, and what is accepted can be resolved or says why not.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"deployment/web", "a/b/c", "team-*", "a=b,c in (d)", "[", "", "\x00/\xff"} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, pattern, label, object string) {
		selector, err := Parse(Words{Namespaces: []string{pattern}, Kinds: []string{pattern}, Labels: label, Objects: []string{object}})
		var word *WordError
		if err == nil {
			_, err = selector.Resolve(cluster, applications, resources)
		}
		if err != nil && !errors.As(err, &word) {
			t.Errorf("%v", err)
		}
	})
}
