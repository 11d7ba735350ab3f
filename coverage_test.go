package appbur_test

import (
	"testing"

	"github.com/appbur/appbur"
)

func TestCoverageIsCompleteOnlyWithoutHoles(t *testing.T) {
	whole := appbur.TypeCoverage{Resource: "configmaps", Kind: "ConfigMap", Complete: true, Saved: 3}
	hole := appbur.TypeCoverage{Resource: "secrets", Kind: "Secret", Reason: "forbidden"}
	for _, test := range []struct {
		name     string
		coverage appbur.Coverage
		want     bool
	}{
		{"all types listed", appbur.Coverage{Types: []appbur.TypeCoverage{whole}}, true},
		{"one type failed", appbur.Coverage{Types: []appbur.TypeCoverage{whole, hole}}, false},
		{
			"discovery had a hole",
			appbur.Coverage{Types: []appbur.TypeCoverage{whole}, Groups: []appbur.GroupFailure{{GroupVersion: "x/v1"}}},
			false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.coverage.Complete(); got != test.want {
				t.Errorf("Complete() = %v", got)
			}
			if test.coverage.Saved() != 3 {
				t.Errorf("Saved() = %d", test.coverage.Saved())
			}
		})
	}
}

func TestCoverageOrderDoesNotDependOnArrival(t *testing.T) {
	c := appbur.Coverage{Types: []appbur.TypeCoverage{
		{Group: "apps", Resource: "deployments"}, {Resource: "secrets"}, {Group: "apps", Resource: "daemonsets"}, {Resource: "configmaps"},
	}}
	c.Sort()
	var got string
	for _, t := range c.Types {
		got += t.Group + "/" + t.Resource + " "
	}
	if want := "/configmaps /secrets apps/daemonsets apps/deployments "; got != want {
		t.Errorf("order = %q, want %q", got, want)
	}
}
