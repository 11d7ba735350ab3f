package restore

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

type importFunc func(app appbur.AppState) (Imported, error)

func (f importFunc) Import(_ context.Context, app appbur.AppState) (Imported, error) { return f(app) }

func TestImport(t *testing.T) {
	plan := &Plan{}
	for _, name := range []string{"broken", "fleet", "refusing", "unreachable"} {
		plan.Apps = append(plan.Apps, appbur.AppState{AppKey: appbur.AppKey{Namespace: "ns", Name: name}})
	}

	done := Imported{
		App: "fleet", Version: "2.0", Applied: true,
		Datasets: []ImportedDataset{{Name: "customers", Rows: 3, SchemaFrom: "1.0", SchemaTo: "2.0"}},
	}
	importer := importFunc(func(app appbur.AppState) (Imported, error) {
		switch app.Name {
		case "broken":
			return Imported{}, appbur.WithHint(errors.New("row 3 is no row"), "look at row 3")
		case "refusing":
			return Imported{App: "r"}, nil
		case "unreachable":
			return Imported{}, appbur.WithHint(&NotConnectedError{app.AppKey}, "say where")
		default:
			return done, nil
		}
	})

	var report Report
	err := Import(t.Context(), plan, importer, &report)
	if !errors.Is(err, ErrIncomplete) || appbur.HintOf(err) == "" {
		t.Errorf("error %v", err)
	}

	key := func(name string) appbur.AppKey { return appbur.AppKey{Namespace: "ns", Name: name} }
	want := []AppOutcome{
		{App: key("broken"), Result: Failed, Reason: "row 3 is no row", Hint: "look at row 3"},
		{App: key("fleet"), Result: Created, Imported: &done},
		{App: key("refusing"), Result: Failed, Imported: &Imported{App: "r"}, Reason: "the application did not put the state in place"},
		{
			App: key("unreachable"), Result: Skipped, Reason: "application ns/unreachable: no address was given for the application",
			Hint: "say where",
		},
	}
	if diff := cmp.Diff(want, report.Apps); diff != "" {
		t.Error(diff)
	}

	skipped := &Plan{Apps: []appbur.AppState{{AppKey: key("unreachable")}}}
	if err := Import(t.Context(), skipped, importer, &Report{}); !errors.Is(err, ErrIncomplete) || !errors.Is(err, ErrNotConnected) {
		t.Errorf("state that nobody was asked to take: %v", err)
	}
	tried := importFunc(func(appbur.AppState) (Imported, error) { return Imported{App: "fleet", DryRun: true}, nil })
	if err := Import(t.Context(), skipped, tried, &report); err != nil || report.Apps[0].Result != Created {
		t.Errorf("a dry run: %v %+v", err, report.Apps)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Import(ctx, plan, importer, &report); !errors.Is(err, context.Canceled) || len(report.Apps) != 0 {
		t.Errorf("a cancelled import: %v, %d outcomes", err, len(report.Apps))
	}
}

func TestDryRunAsksAndAssumes(t *testing.T) {
	cluster := newFaultyCluster()
	var checked []string
	cluster.fault = func(r Request, _ int) error {
		if !r.DryRun {
			t.Errorf("%s would be written", r.Object)
		}
		checked = append(checked, r.Object.String())
		return nil
	}

	report, err := Applier{Cluster: DryRun(cluster), Parallel: 1}.Apply(t.Context(), fleetPlan(t))
	if err != nil || report.Counts.Created != 11 {
		t.Fatalf("%s (%v)", report.Counts, err)
	}

	want := []string{
		"Namespace/fleet",
		"CustomResourceDefinition.apiextensions.k8s.io/clusters.cluster.example.com",
		"CustomResourceDefinition.apiextensions.k8s.io/hosts.infra.example.com",
		"CustomResourceDefinition.apiextensions.k8s.io/machines.cluster.example.com",
		"CustomResourceDefinition.apiextensions.k8s.io/machinesets.cluster.example.com",
		"ConfigMap/default/elsewhere",
	}
	if diff := cmp.Diff(want, checked); diff != "" {
		t.Errorf("what was checked (-want +got):\n%s", diff)
	}

	for _, o := range report.Outcomes {
		if o.Unchecked != (o.Object.Namespace == "fleet") {
			t.Errorf("%s is unchecked: %t", o.Object, o.Unchecked)
		}
	}
}
