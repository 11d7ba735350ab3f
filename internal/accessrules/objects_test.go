package accessrules_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/accessrules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var account = accessrules.Account{Namespace: "appbur-system", Name: "appbur"}

var some = []accessrules.Resource{
	{Name: "secrets", Watched: true},
	{Name: "configmaps", Watched: true},
	{Group: "apps", Name: "deployments", Watched: true},
	{Group: "apps", Name: "daemonsets", Watched: true},
	{Group: "old.example.org", Name: "listedonly"},
	{Group: "apiextensions.k8s.io", Name: "customresourcedefinitions", Watched: true},
}

// What is printed for each kind of work.
func TestObjects(t *testing.T) {
	for name, work := range map[string]accessrules.Work{
		"commits": {Saved: some},
		"points":  {Saved: some, MakesPoints: true, FindsApps: true},
		"all":     {SavesAll: true, MakesPoints: true, FindsApps: true},
		"tokens": {
			Saved: some[:1], ShowsToken: true,
			Named: []appbur.AppKey{{Namespace: "shop", Name: "orders"}, {Namespace: "bank", Name: "ledger"}, {Name: "anywhere"}},
		},
		"commands": {Saved: some[:1], Commands: []string{"shop", "bank"}, Declared: []string{"bank"}},
		"elected":  {Saved: some[:1], Lease: accessrules.Lease{Name: "appbur"}},
		"audited":  {Saved: some[:1], Lease: accessrules.Lease{Name: "appbur"}, LeadsService: "appbur-audit"},
		"found": {
			Saved: some[:1], ShowsToken: true, FindsApps: true, Named: []appbur.AppKey{{Namespace: "shop", Name: "orders"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := accessrules.YAML(accessrules.Objects(account, work))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The order in which a cluster names its types changes nothing.
func TestTheSameWorkGivesTheSameBytes(t *testing.T) {
	work := accessrules.Work{Saved: some, MakesPoints: true}
	want, err := accessrules.YAML(accessrules.Objects(account, work))
	if err != nil {
		t.Fatal(err)
	}
	work.Saved = slices.Clone(some)
	slices.Reverse(work.Saved)
	work.Saved = append(work.Saved, some[0])
	got, err := accessrules.YAML(accessrules.Objects(account, work))
	if err != nil || string(got) != string(want) {
		t.Errorf("%v\n%s", err, cmp.Diff(string(want), string(got)))
	}
}

// No work gives a right to change anything but the Lease, what is told of it, where a Service leads, and what applications
// ask about, which is no object.
func TestNothingIsWritten(t *testing.T) {
	work := accessrules.Work{
		SavesAll: true, Saved: some, MakesPoints: true, FindsApps: true, ShowsToken: true, Named: []appbur.AppKey{{Namespace: "a", Name: "b"}},
		Lease: accessrules.Lease{Name: "appbur"}, Commands: []string{"shop"}, LeadsService: "appbur-audit",
	}
	for _, object := range accessrules.Objects(account, work) {
		for _, rule := range object.Rules {
			for _, verb := range rule.Verbs {
				told := slices.Equal(rule.Resources, []string{"leases"}) || slices.Equal(rule.Resources, []string{"events"}) ||
					slices.Equal(rule.Resources, []string{"endpointslices"})
				own := slices.Equal(rule.Groups, []string{"appbur.dev"}) || object.Kind == "Role" && told
				runs := object.Kind == "Role" && slices.Contains(rule.Resources, "pods/exec") && object.Metadata.Namespace == "shop"
				if !slices.Contains([]string{"get", "list", "watch"}, verb) && !own && !runs {
					t.Errorf("%s %s may %s %v", object.Kind, object.Metadata.Name, verb, rule.Resources)
				}
				if verb == "get" && slices.Contains(rule.Resources, "*") {
					t.Error("get of all resources runs programs by nodes/proxy")
				}
			}
		}
	}
}

func TestParseResource(t *testing.T) {
	for text, want := range map[string]accessrules.Resource{
		"configmaps":            {Name: "configmaps", Watched: true},
		"deployments.apps":      {Group: "apps", Name: "deployments", Watched: true},
		"clusters.cluster.x.io": {Group: "cluster.x.io", Name: "clusters", Watched: true},
		"deployments":           {}, "Deployment": {}, "pods/exec": {}, "*": {}, "": {}, "a.": {}, ".apps": {}, "a.b.": {},
	} {
		got, err := accessrules.ParseResource(text)
		if got != want || (want == accessrules.Resource{}) != errors.Is(err, accessrules.ErrNoResource) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
