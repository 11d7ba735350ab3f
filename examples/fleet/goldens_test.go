package fleet_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/examples/fleet/broken"
	"github.com/appbur/appbur/examples/fleet/program"
	v1 "github.com/appbur/appbur/examples/fleet/v1"
	"github.com/appbur/appbur/internal/goldens"
	rules "github.com/appbur/appbur/pkg/compat/golden"
)

// goldensOf is the directory of the goldens, or a copy of it that a test may change.
func goldensOf(t *testing.T, change func(dir string)) *goldens.Directory {
	t.Helper()
	dir := "testdata/goldens"
	if change != nil {
		dir = t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/goldens")); err != nil {
			t.Fatal(err)
		}
		change(dir)
	}
	directory, err := goldens.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return directory
}

func tried(t *testing.T, release string, fleet program.Fleet, directory *goldens.Directory) goldens.Report {
	t.Helper()
	return triedWith(t, release, fleet, directory, goldens.Checking{})
}

func triedWith(t *testing.T, release string, fleet program.Fleet, directory *goldens.Directory, c goldens.Checking) goldens.Report {
	t.Helper()
	c.Random, c.At = rand.Reader, now()
	report, err := goldens.Check(t.Context(), dial(t, release, fleet), directory, c)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Every release imports what the releases before it exported, and refuses what later ones did,
// by the goldens that are committed.
func TestEveryReleaseReadsTheGoldensOfThoseBefore(t *testing.T) {
	for release, want := range map[string]map[string]rules.Verdict{
		"v1": {"1.4.0": rules.Imported, "2.0.0": rules.RefusedNewer, "3.0.0": rules.RefusedNewer},
		"v2": {"1.4.0": rules.Imported, "2.0.0": rules.Imported, "3.0.0": rules.RefusedNewer},
		"v3": {"1.4.0": rules.Imported, "2.0.0": rules.Imported, "3.0.0": rules.Imported},
	} {
		t.Run(release, func(t *testing.T) {
			report := tried(t, release, open(t, release, 3), goldensOf(t, nil))
			for _, f := range report.Findings {
				t.Errorf("%s: %s %s %s: %s", f.Gate, f.Release, f.Dataset, f.Field, f.What)
			}
			for _, g := range report.Goldens {
				if g.Verdict != want[g.Release] {
					t.Errorf("golden %s: %s", g.Release, g.Verdict)
				}
			}
			if len(report.Goldens) != len(want) {
				t.Errorf("%d goldens were tried", len(report.Goldens))
			}
		})
	}
}

// codes are those of docs/exit-codes.md.
var codes = map[rules.Gate]int{
	rules.Imports: 20, rules.Locked: 21, rules.Covered: 22, rules.Set: 23, rules.Ran: 24, rules.Window: 25, rules.Schemas: 26,
}

// Each fault that somebody can make is found, by its own gate, and said.
func TestEachBrokenKindIsFound(t *testing.T) {
	for _, kind := range broken.Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			fleet := kind.Fleet(open(t, "v3", 3))
			if kind.Generate > 0 {
				if report := tried(t, "v3", fleet, goldensOf(t, nil)); len(report.Findings) > 0 {
					t.Errorf("goldens alone show it: %+v", report.Findings)
				}
			}
			report := triedWith(t, "v3", fleet, goldensOf(t, nil), goldens.Checking{Generate: kind.Generate, Seed: 1})
			found(t, report, kind.ExitCode, kind.Says)
		})
	}
}

func found(t *testing.T, report goldens.Report, code int, says string) {
	t.Helper()
	if got := codes[rules.First(report.Findings)]; got != code {
		t.Errorf("the exit code is %d, want %d", got, code)
	}
	var said strings.Builder
	for _, f := range report.Findings {
		fmt.Fprintf(&said, "%s: %s %s, schema %s, %s %s: %s\n", f.Gate, f.Release, f.Dataset, f.Schema, f.Field, f.File, f.What)
		if f.Hint == "" {
			t.Errorf("%s has no hint", f.What)
		}
	}
	if !strings.Contains(said.String(), says) {
		t.Errorf("nobody says %q:\n%s", says, &said)
	}
}

// What is wrong with goldens themselves is found as well.
func TestGoldensThatAreNotWhatWasRecorded(t *testing.T) {
	write := func(t *testing.T, path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string)
		code   int
		says   string
	}{
		"edited": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "1.4.0", "clusters@1.0.ndjson"), "{}\n")
		}, 21, "1.4.0/clusters@1.0.ndjson: it was edited"},
		"dropped": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "2.0.0")); err != nil {
				t.Fatal(err)
			}
		}, 21, "2.0.0/clusters@2.0.ndjson: it was dropped"},
		"added by hand": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "1.4.0", "notes@1.0.ndjson"), "{}\n")
		}, 21, "1.4.0/notes@1.0.ndjson: it is not in the lock file"},
		"no window": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "goldens.yaml"), "support: '~> 9'\n")
		}, 25, `no recorded release is in the support window "~> 9"`},
		// Nobody supports release 1 any more, so its golden may go. But then nothing proves the step from its
		// schemas, which the application still reads.
		"dropped outside the window": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "goldens.yaml"), "support: last 1\n")
			if err := os.RemoveAll(filepath.Join(dir, "1.4.0")); err != nil {
				t.Fatal(err)
			}
		}, 22, "clusters, schema 1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			report := tried(t, "v3", open(t, "v3", 3), goldensOf(t, func(dir string) { test.change(t, dir) }))
			found(t, report, test.code, test.says)
		})
	}
}

// A field that a release always leaves empty is no golden of that field.
func TestAFieldThatNoGoldenSets(t *testing.T) {
	dir := t.TempDir()
	client := dial(t, "v3", open(t, "v3", 0))
	if _, err := client.Import(t.Context(), request(t, v1.AppVersion, golden(t, "v1"), schemas1)); err != nil {
		t.Fatal(err) // release 1 knew nobody who approves
	}
	recording := goldens.Recording{Sensitive: goldens.Plain, Random: rand.Reader, At: now()}
	if _, err := goldens.Record(t.Context(), client, dir, recording); err != nil {
		t.Fatal(err)
	}
	directory, err := goldens.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	report, err := goldens.Check(t.Context(), client, directory, goldens.Checking{Random: rand.Reader, At: now()})
	if err != nil {
		t.Fatal(err)
	}
	report.Findings = only(report.Findings, rules.Set)
	found(t, report, 23, "maintenance-windows, schema 1.1, /approvedBy")
}

func only(findings []rules.Finding, gate rules.Gate) (of []rules.Finding) {
	for _, f := range findings {
		if f.Gate == gate {
			of = append(of, f)
		}
	}
	return of
}

// What is sensitive can be left out; then it is told that it was not checked.
func TestSensitiveDatasetsCanBeLeftOut(t *testing.T) {
	dir := t.TempDir()
	recording := goldens.Recording{Sensitive: goldens.LeaveOut, Random: rand.Reader, At: now()}
	if _, err := goldens.Record(t.Context(), dial(t, "v1", open(t, "v1", 6)), dir, recording); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "credentials*")); len(files) > 0 {
		t.Errorf("%v was written", files)
	}

	directory, err := goldens.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	report := tried(t, "v1", open(t, "v1", 3), directory)
	if len(report.Findings) > 0 {
		t.Errorf("%+v", report.Findings)
	}
	want := "dataset credentials is not checked: every golden leaves it out, because it is sensitive"
	if !slices.Contains(report.Notes, want) {
		t.Errorf("%q", report.Notes)
	}
}

// Rows that nobody ever exported come out as declared, too, or are refused for what is in them. The
// same seed makes the same rows.
func TestGeneratedRows(t *testing.T) {
	var results []goldens.Generated
	for range 2 {
		report := triedWith(t, "v3", open(t, "v3", 3), goldensOf(t, nil), goldens.Checking{Generate: 60, Seed: 7})
		for _, f := range report.Findings {
			t.Errorf("%s: %s", f.Gate, f.What)
		}
		results = append(results, report.Generated)
	}
	if results[0] != results[1] || results[0].Cases != 60 || results[0].Accepted < 30 || results[0].Refused == 0 {
		t.Errorf("%+v", results)
	}
}

// What goldens miss is touched by generated rows: here that nobody approved a window, and the step for clusters that are retired.
func TestGeneratedRowsTouchWhatGoldensMiss(t *testing.T) {
	dir := t.TempDir()
	for _, release := range []string{"v2", "v3"} {
		client := dial(t, release, open(t, release, 0))
		if _, err := client.Import(t.Context(), request(t, v1.AppVersion, golden(t, "v1"), schemas1)); err != nil {
			t.Fatal(err)
		}
		recording := goldens.Recording{Sensitive: goldens.Plain, Random: rand.Reader, At: now()}
		if _, err := goldens.Record(t.Context(), client, dir, recording); err != nil {
			t.Fatal(err)
		}
	}
	directory, err := goldens.Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	missing := func(c goldens.Checking) string {
		var missed []string
		for _, f := range triedWith(t, "v3", open(t, "v3", 3), directory, c).Findings {
			if f.Gate == rules.Set || f.Gate == rules.Ran && f.Schema == "2.0" {
				missed = append(missed, f.Dataset+" "+f.Field)
			}
		}
		return strings.Join(missed, ", ")
	}
	want := "clusters /lifecycle, maintenance-windows /approvedBy, clusters /status/phase"
	if got := missing(goldens.Checking{}); got != want {
		t.Errorf("the goldens miss %s, want %s", got, want)
	}
	if got := missing(goldens.Checking{Generate: 60, Seed: 1}); got != "" {
		t.Errorf("generated rows do not touch %s", got)
	}
}
