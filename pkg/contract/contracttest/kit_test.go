package contracttest_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func good() (contract.App, contract.Options, error) { return newClub(), options(), nil }

// quick is a configuration that scales what takes long.
func quick(config contracttest.Config) contracttest.Config {
	config.Older = older()
	config.Silence, config.Slow = 500*time.Millisecond, 500*time.Millisecond
	config.Many, config.Fuzz, config.Cuts = 200, 150, 10
	return config
}

func TestKitPassesOnAnApplicationThatKeepsTheContract(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	contracttest.Run(t, quick(contracttest.Config{Start: hooked}))
}

func TestKitPassesWithChangesOfTheApplicationItself(t *testing.T) {
	report := contracttest.Check(t.Context(), quick(contracttest.Config{
		Start: mutable, Run: regexp.MustCompile("EXP-006|EXP-011|EXP-018|IMP-026|NET-009|NET-010"),
	}))
	if report.Count(contracttest.Passed) != 6 {
		t.Errorf("not everything passed:\n%s", report)
	}
}

func TestKitSaysAloudWhatWasNotRun(t *testing.T) {
	report := contracttest.Check(t.Context(), contracttest.Config{
		Start: contracttest.InProcess(good), Run: regexp.MustCompile("IMP-007|IMP-015|NET-001|NET-005|EXP-012|IMP-025|INFO-001"),
	})
	if failed := report.Failed(); len(failed) > 0 {
		t.Fatalf("failed:\n%s", report)
	}
	// IMP-025 is recommended only, and NET-001 not applicable without TLS.
	if want := []string{"EXP-012", "IMP-007", "IMP-015", "NET-005"}; !slices.Equal(report.Missing(), want) {
		t.Errorf("missing %v, want %v", report.Missing(), want)
	}
	for _, text := range []string{"NOT SHOWN: 4 cases", "1 not applicable, 5 not run", "1 passed"} {
		if !strings.Contains(report.String(), text) {
			t.Errorf("the report does not say %q:\n%s", text, report)
		}
	}
}

func TestKitPutsBackTheStateOfASharedInstance(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	memory := newClub()
	instance, err := contracttest.InProcess(func() (contract.App, contract.Options, error) { return memory, options(), nil })(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := instance.Stop(); err != nil {
			t.Error(err)
		}
	})
	report := contracttest.Check(t.Context(), quick(contracttest.Config{
		Start: contracttest.At(instance.Address, instance.Dial), Run: regexp.MustCompile("INFO|EXP-00|IMP|NET-006"),
	}))
	if failed := report.Failed(); len(failed) > 0 {
		t.Fatalf("failed:\n%s", report)
	}
	for name, want := range roster() {
		got := memory.Rows(name)
		for i := range want {
			canonical, err := contract.Canonical(want[i])
			if err != nil {
				t.Fatal(err)
			}
			if i >= len(got) || string(got[i]) != string(canonical) {
				t.Fatalf("dataset %s differs from row %d on", name, i+1)
			}
		}
		if len(got) != len(want) {
			t.Errorf("dataset %s has %d rows, want %d", name, len(got), len(want))
		}
	}
}

func TestCatalogue(t *testing.T) {
	ids := contracttest.IDs()
	if sorted := slices.Compact(slices.Sorted(slices.Values(ids))); len(sorted) != len(ids) || len(ids) != 62 {
		t.Errorf("%d ids, %d different ones, want 62: %v", len(ids), len(sorted), ids)
	}
	for _, c := range contracttest.Catalogue() {
		if c.Title == "" || c.Proves == "" || (c.Level == contracttest.Conditional) != (c.Condition != "") {
			t.Errorf("%+v is described badly", c)
		}
	}
}
