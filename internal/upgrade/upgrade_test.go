package upgrade_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/upgrade"
	"github.com/appbur/appbur/pkg/compat"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

func version(t *testing.T, text string) appbur.KubeVersion {
	t.Helper()
	v, err := appbur.ParseKubeVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// example is an upgrade in which everything is to be told.
func example(t *testing.T) upgrade.Facts {
	return upgrade.Facts{
		Point: appbur.RestorePoint{
			ID: "20261121T030238Z", Created: time.Date(2026, 11, 21, 3, 2, 38, 0, time.UTC),
			Cluster: appbur.Cluster{ID: "0c0e4f3d-1f6b-4f8b-9a53-4f2f6f1a3c55", Version: version(t, "1.24.17")},
		},
		To:     version(t, "1.37"),
		Counts: map[compat.VerdictKind]int{compat.Served: 20, compat.Convertible: 1, compat.Lossy: 1, compat.Blocked: 1, compat.Unknown: 1},
		Objects: []upgrade.Object{
			{Object: "PodSecurityPolicy.policy/strict", Verdict: compat.Blocked, What: "it was removed in 1.25", Hint: "label namespaces"},
			{Object: "Orphan.lost.example.com/a/o", Verdict: compat.Unknown, What: "nothing defines it"},
			{Object: "FlowSchema.flowcontrol.apiserver.k8s.io/f", Verdict: compat.Lossy, What: "spec.x: is left out"},
			{Object: "CronJob.batch/a/nightly_*", Verdict: compat.Convertible, What: "batch/v1beta1 becomes batch/v1"},
		},
		Apps: []upgrade.App{
			{
				Application: appbur.AppKey{Namespace: "fleet-system", Name: "fleet"}, Saved: "fleet 1.0.0", New: "fleet 2.0.0", Address: "fleet:7443",
				Datasets: []upgrade.Dataset{
					{Name: "machines", Schema: "1.0", Reads: ">= 1.0, < 3.0", Becomes: "2.0", Changes: []string{"rename /host to /address"}},
					{Name: "keys", Schema: "0.9", Reads: ">= 1.0", Becomes: "1.0", Problem: "schema 0.9 is older than what it reads (>= 1.0)"},
				},
			},
			{
				Application: appbur.AppKey{Namespace: "shop", Name: "orders"}, Saved: "orders 3.1",
				Datasets: []upgrade.Dataset{{Name: "orders", Schema: "3.1"}},
			},
		},
		Acting:  []upgrade.Acting{{Controller: "flux", Objects: 3, Some: []string{"Kustomization.kustomize.toolkit.fluxcd.io/a/b"}}},
		Clients: []string{"helm release shop/web: policy/v1beta1 PodDisruptionBudget"},
	}
}

// planned is the plan of an upgrade in three steps.
func planned(f upgrade.Facts) upgrade.Plan {
	p := upgrade.New(f)
	for _, id := range []string{"rehearse", "pause", "save"} {
		p.Steps = append(p.Steps, upgrade.Step{
			ID: id, Title: "The step " + id, Do: "What is done, and why.", Commands: []string{"do " + id, "look"},
			Proves: "that it is done", Again: "run it again",
		})
	}
	p.Steps[1].Commands = nil
	return p
}

func TestChecklistGolden(t *testing.T) {
	got := planned(example(t)).Checklist(upgrade.Done{})
	file := filepath.Join("testdata", "checklist.golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is another one:\n%s", file, got)
	}
}

func TestWhatIsDoneStays(t *testing.T) {
	plan := planned(example(t))
	first := plan.Checklist(upgrade.Done{})
	edited := strings.Replace(first, "- [ ] **rehearse**", "- [x] **rehearse**", 1)
	edited = strings.Replace(edited, "- [ ] **save**", "- [X] **save**", 1) + "\n- [x] **pause**: is only a note\n\n## Notes\nof ours\n"

	done, err := upgrade.Parse(edited)
	if err != nil {
		t.Fatal(err)
	}
	counts, forgotten := done.For(plan)
	again := plan.Checklist(counts)
	if forgotten != 0 || !strings.Contains(again, "- [x] **rehearse**") || !strings.Contains(again, "- [x] **save**") {
		t.Errorf("%d forgotten:\n%s", forgotten, again)
	}
	notes := "\n- [x] **pause**: is only a note\n\n## Notes\nof ours\n"
	if !strings.Contains(again, "- [ ] **pause**: 2.") || !strings.HasSuffix(again, notes) {
		t.Errorf("notes are no ticks, and stay as they are:\n%s", again)
	}

	// Ticks of another upgrade mean nothing for this one.
	facts := example(t)
	facts.To = version(t, "1.38")
	other := planned(facts)
	counts, forgotten = done.For(other)
	again = other.Checklist(counts)
	if forgotten != 2 || strings.Contains(strings.Split(again, "\n## Notes\n")[0], "[x]") || !strings.HasSuffix(again, "of ours\n") {
		t.Errorf("%d forgotten:\n%s", forgotten, again)
	}

	if _, err := upgrade.Parse("# Shopping\n- [x] **save**: money\n"); !errors.Is(err, upgrade.ErrOthers) {
		t.Errorf("a file of somebody else: %v", err)
	}
}

func TestWhatIsInTheWay(t *testing.T) {
	plan := upgrade.New(example(t))
	var said []string
	for _, o := range plan.Obstacles {
		said = append(said, o.What)
	}
	want := "PodSecurityPolicy.policy/strict is blocked: it was removed in 1.25\n" +
		"fleet-system/fleet fleet 2.0.0 cannot read dataset keys: schema 0.9 is older than what it reads (>= 1.0)"
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("in the way:\n%s\nwant:\n%s", got, want)
	}
	if len(plan.Unknown) != 2 {
		t.Errorf("not known: %+v", plan.Unknown)
	}

	for name, change := range map[string]func(*upgrade.Facts){
		"an older Kubernetes":    func(f *upgrade.Facts) { f.To = version(t, "1.23") },
		"an incomplete point":    func(f *upgrade.Facts) { f.Point.Partial = true },
		"an app that is another": func(f *upgrade.Facts) { f.Apps[1].Datasets[0].Problem = "it has no such dataset" },
	} {
		facts := example(t)
		change(&facts)
		if got := len(upgrade.New(facts).Obstacles); got != 3 {
			t.Errorf("%s: %d in the way, want 3", name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# Upgrade by rebuild to Kubernetes 1.37\n\n- Cluster: `a`, x\n- [x] **save**: 1. x\n\n## Notes\nours\n")
	f.Add("# Upgrade by rebuild to Kubernetes ")
	f.Add("# Upgrade by rebuild to Kubernetes 1.37\r\n- [X] **pause**:\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		done, err := upgrade.Parse(text)
		if err != nil {
			return
		}
		point := appbur.RestorePoint{Cluster: appbur.Cluster{ID: "a"}}
		plan := upgrade.New(upgrade.Facts{To: appbur.KubeVersion{Major: 1, Minor: 37}, Point: point})
		counts, _ := done.For(plan)
		once := plan.Checklist(counts)
		again, err := upgrade.Parse(once)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, once)
		}
		if twice := plan.Checklist(again); once != twice {
			t.Errorf("it changes each time:\n%s\n---\n%s", once, twice)
		}
	})
}
