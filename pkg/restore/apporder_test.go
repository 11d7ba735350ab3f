package restore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

func appKey(name string) appbur.AppKey { return appbur.AppKey{Namespace: "ns", Name: name} }

// waits reads "b after a, c after b".
func waits(text string) map[appbur.AppKey][]appbur.AppKey {
	after := make(map[appbur.AppKey][]appbur.AppKey)
	for rule := range strings.SplitSeq(text, ", ") {
		if app, other, ok := strings.Cut(rule, " after "); ok {
			after[appKey(app)] = append(after[appKey(app)], appKey(other))
		}
	}
	return after
}

func planOfApps(names string) *Plan {
	plan := &Plan{}
	for name := range strings.FieldsSeq(names) {
		plan.Apps = append(plan.Apps, appbur.AppState{AppKey: appKey(name)})
	}
	return plan
}

func TestApplicationsAreOrdered(t *testing.T) {
	for name, test := range map[string]struct{ apps, after, order, cycle, note string }{
		"by name without a word": {apps: "a b c", order: "a b c"},
		"a chain against it":     {apps: "a b c", after: "a after b, b after c", order: "c b a"},
		"a diamond":              {apps: "a b c d", after: "a after b, a after c, b after d, c after d", order: "d b c a"},
		"twice the same":         {apps: "a b", after: "a after b, a after b", order: "b a"},
		"one that is not there":  {apps: "a b", after: "a after x", order: "a b", note: "ns/a comes after ns/x, whose state is not restored"},
		"each other":             {apps: "a b c", after: "b after c, c after b", cycle: "ns/b after ns/c after ns/b"},
		"itself":                 {apps: "a", after: "a after a", cycle: "ns/a after ns/a"},
		"a cycle behind a chain": {
			apps: "a b c d", after: "a after b, b after c, c after d, d after b", cycle: "ns/b after ns/c after ns/d after ns/b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := planOfApps(test.apps)
			err := plan.OrderApps(waits(test.after))
			if test.cycle != "" {
				var cycle *AppCycleError
				if !errors.As(err, &cycle) || !strings.HasSuffix(err.Error(), ": "+test.cycle) {
					t.Errorf("%v; want %s", err, test.cycle)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var order []string
			for _, app := range plan.Apps {
				order = append(order, app.Name)
			}
			if got := strings.Join(order, " "); got != test.order {
				t.Errorf("%s; want %s", got, test.order)
			}
			noted := slices.ContainsFunc(plan.Notes, func(n Note) bool { return strings.Contains(n.What, test.note) })
			if noted != (test.note != "") {
				t.Errorf("%+v", plan.Notes)
			}
		})
	}
}

// An application that fails keeps those from being tried that wait for it, and no others.
func TestAFailedApplicationKeepsThoseThatWaitForIt(t *testing.T) {
	plan := planOfApps("audit db orders reports")
	if err := plan.OrderApps(waits("orders after db, reports after orders, audit after users")); err != nil {
		t.Fatal(err)
	}
	var tried []string
	importer := importFunc(func(app appbur.AppState) (Imported, error) {
		tried = append(tried, app.Name)
		if app.Name == "db" {
			return Imported{}, errors.New("its disk is gone")
		}
		return Imported{Applied: true}, nil
	})

	var report Report
	err := Import(t.Context(), plan, importer, &report)
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "the state of 3 of 4 applications") {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff([]string{"audit", "db"}, tried); diff != "" {
		t.Error(diff)
	}
	db := appKey("db")
	want := []AppOutcome{
		{App: appKey("audit"), Result: Created, Imported: &Imported{Applied: true}},
		{App: db, Result: Failed, Reason: "its disk is gone"},
		{App: appKey("orders"), Result: Failed, Reason: "not tried, because the state of ns/db was not imported", Cause: &db},
		{App: appKey("reports"), Result: Failed, Reason: "not tried, because the state of ns/db was not imported", Cause: &db},
	}
	if diff := cmp.Diff(want, report.Apps); diff != "" {
		t.Error(diff)
	}
}
