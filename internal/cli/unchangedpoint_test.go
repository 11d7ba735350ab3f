package cli

import (
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/backup"
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
	bills := appbur.AppKey{Namespace: "shop", Name: "bills"}
	last := savedMarks{orders: {"a", "1"}}
	asks := func(app appbur.AppKey) bool { return app != bills }

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
		{
			"one that is not asked", func(p *appbur.RestorePoint) { p.Apps = append(p.Apps, appbur.AppState{AppKey: bills}) }, "hourly",
			map[appbur.AppKey]string{orders: "a", bills: ""},
			true,
		},
		{
			"one that is not asked, and not there", func(p *appbur.RestorePoint) { p.Apps = append(p.Apps, appbur.AppState{AppKey: bills}) },
			"hourly",
			map[appbur.AppKey]string{orders: "a"},
			true,
		},
		{"one that is not asked, and that no point holds", nil, "hourly", map[appbur.AppKey]string{orders: "a", bills: ""}, false},
		{"taken over since", func(p *appbur.RestorePoint) {
			p.ID, p.Apps[0].From = "2", &appbur.AppOrigin{Point: "1"}
		}, "hourly", map[appbur.AppKey]string{orders: "a"}, true},
		{"taken over from a point of another process", func(p *appbur.RestorePoint) {
			p.Apps[0].From = &appbur.AppOrigin{Point: "0"}
		}, "hourly", map[appbur.AppKey]string{orders: "a"}, false},
		{"no applications", func(p *appbur.RestorePoint) { p.Apps, p.ID = nil, "2" }, "hourly", nil, true},
	} {
		point := newest(test.change)
		request := backup.Request{Asks: asks}
		for app := range test.now {
			request.Apps = append(request.Apps, apps.Target{AppKey: app})
		}
		if got := sameAsNow(point, source, "main", []string{test.due}) && last.same(point, test.now, request); got != test.same {
			t.Errorf("%s: same is %t", test.name, got)
		}
	}
}
