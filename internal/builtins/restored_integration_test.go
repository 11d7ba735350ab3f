//go:build integration

package builtins

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// restored restores what was saved, by the engine and not by applies of our own: to the
// cluster that it came from, where nothing is to do, and to an empty one, twice. The dry
// run says before each what the run then does, and verify finds nothing after it.
func restored(t *testing.T, source, empty *server, saved captured) {
	for _, each := range []struct {
		name string
		s    *server
		want restore.Result
	}{
		{"to its own cluster", source, restore.Unchanged},
		{"to an empty cluster", empty, restore.Created},
		{"to that cluster again", empty, restore.Unchanged},
	} {
		t.Run(each.name, func(t *testing.T) {
			s := each.s.in(t)
			plan := s.plan(saved)
			dry, real := s.run(plan, restore.DryRun(s.target)), s.run(plan, s.target)
			for i, o := range real.Outcomes {
				if o.Result != each.want && !isThere(o) {
					t.Errorf("%s is %s %s", o.Object, o.Result, o.Reason)
				}
				if said := dry.Outcomes[i]; said.Object != o.Object || said.Result != o.Result {
					t.Errorf("the dry run said %s %s %s, the run did %s %s", said.Object, said.Result, said.Reason, o.Object, o.Result)
				}
			}

			findings, err := restore.Verify(t.Context(), plan, s.target, manifest.Default(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings.Findings {
				t.Errorf("%+v", f)
			}
		})
	}
}

// isThere names what every cluster makes by itself.
func isThere(o restore.Outcome) bool {
	return o.Object.Kind == "Namespace" && o.Object.Name == "default"
}

func (s *server) run(plan *restore.Plan, to restore.Cluster) restore.Report {
	s.t.Helper()
	report, err := restore.Applier{Cluster: to, Timeout: time.Minute}.Apply(s.t.Context(), plan)
	for _, o := range report.Failures() {
		s.t.Logf("%s: %s", o.Object, o.Reason)
	}
	if err != nil {
		s.t.Error(err)
	}
	return report
}

// plan plans the restore of all that was saved to this server.
func (s *server) plan(saved captured) *restore.Plan {
	s.t.Helper()
	point := restore.Point{
		Meta: appbur.RestorePoint{
			Format: appbur.RestorePointFormat, ID: appbur.NewRestorePointID(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), 0),
			Cluster: appbur.Cluster{ID: "source", Version: s.version},
		},
		Index: make(map[appbur.ObjectID]manifest.Entry),
	}

	served := make(map[appbur.GroupKind][]string)
	for kind, r := range s.resources {
		served[kind] = append(slices.Clone(r.others), r.Version)
	}
	for _, r := range saved.results {
		if !r.Decision.Saved {
			continue
		}
		content, err := manifest.Decode(r.Manifest.Data)
		if err != nil {
			s.t.Fatal(err)
		}
		point.Objects.Add(restore.Object{ID: r.Manifest.ID, APIVersion: r.Manifest.APIVersion, Content: content})
		point.Index[r.Manifest.ID] = r.Entry
	}

	serves := compat.NewDiscoveryTarget(s.version, served)
	around, err := restore.Survey(s.t.Context(), point, serves, s.target)
	if err != nil {
		s.t.Fatal(err)
	}
	plan, err := restore.NewPlan(point, serves, restore.Options{Surroundings: around})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, blocked := range plan.Blocked() {
		s.t.Errorf("%s is blocked: %s", blocked.Object, strings.TrimSpace(blocked.Why))
	}
	return plan
}
