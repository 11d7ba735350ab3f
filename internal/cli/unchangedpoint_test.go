package cli

import (
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// A point is made unless the newest one is whole, is of the schedule, and holds just what there is.
func TestWhatCountsAsUnchanged(t *testing.T) {
	source := sourceCluster{rules: manifest.Default(), cluster: appbur.Cluster{ID: "here"}}
	orders := appbur.AppKey{Namespace: "shop", Name: "orders"}
	newest := func(change func(*appbur.RestorePoint)) appbur.RestorePoint {
		p := appbur.RestorePoint{
			ID: "1", Schedules: []string{"hourly", "nightly"}, Manifests: "main", Cluster: source.cluster, Rules: source.rules.Version(),
			Apps: []appbur.AppState{{AppKey: orders}},
		}
		if change != nil {
			change(&p)
		}
		return p
	}
	last := marks{point: "1", apps: map[appbur.AppKey]string{orders: "a"}}

	for _, test := range []struct {
		name   string
		change func(*appbur.RestorePoint)
		due    string
		now    map[appbur.AppKey]string
		same   bool
	}{
		{"nothing", nil, "hourly", map[appbur.AppKey]string{orders: "a"}, true},
		{"another schedule", nil, "weekly", map[appbur.AppKey]string{orders: "a"}, false},
		{"a partial point", func(p *appbur.RestorePoint) { p.Partial = true }, "hourly", map[appbur.AppKey]string{orders: "a"}, false},
		{"a commit", func(p *appbur.RestorePoint) { p.Manifests = "before" }, "hourly", map[appbur.AppKey]string{orders: "a"}, false},
		{"other rules", func(p *appbur.RestorePoint) { p.Rules = "0" }, "hourly", map[appbur.AppKey]string{orders: "a"}, false},
		{"an upgrade", func(p *appbur.RestorePoint) { p.Cluster.ID = "there" }, "hourly", map[appbur.AppKey]string{orders: "a"}, false},
		{"a point of another process", func(p *appbur.RestorePoint) { p.ID = "2" }, "hourly", map[appbur.AppKey]string{orders: "a"}, false},
		{"the state", nil, "hourly", map[appbur.AppKey]string{orders: "b"}, false},
		{"it does not say", nil, "hourly", map[appbur.AppKey]string{orders: ""}, false},
		{"an application is gone", nil, "hourly", map[appbur.AppKey]string{}, false},
		{"an application is new", nil, "hourly", map[appbur.AppKey]string{orders: "a", {Name: "new"}: "c"}, false},
		{"no applications", func(p *appbur.RestorePoint) { p.Apps, p.ID = nil, "2" }, "hourly", nil, true},
	} {
		point := newest(test.change)
		if got := sameAsNow(point, source, "main", []string{test.due}) && last.same(point, marks{apps: test.now}); got != test.same {
			t.Errorf("%s: same is %t", test.name, got)
		}
	}
}
