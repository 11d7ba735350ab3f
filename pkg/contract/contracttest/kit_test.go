package contracttest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// options describe the application of these tests: teams, and members that
// belong to a team. Version 1.0 of members had a nickname.
func options() contract.Options {
	return contract.Options{
		ID: "roster", Version: "2.0.0",
		Datasets: []contract.Dataset{
			{
				Name: "members", Description: "People and the team they belong to.", Schema: "2.0", Reads: ">= 1.0, < 3.0",
				Key: []string{"team", "number"}, DependsOn: []string{"teams"},
				Upcasts: []contract.Upcast{{From: "1.0", To: "2.0", Changes: []contract.Change{
					{Op: contract.OpRename, Path: "/name", To: "/fullName"},
					{Op: contract.OpMove, Path: "/city", To: "/address/city"},
					{Op: contract.OpAdd, Path: "/active", Value: json.RawMessage(`true`)},
					{Op: contract.OpDrop, Path: "/nickname", Reason: "nobody used it"},
				}}},
			},
			{Name: "teams", Description: "Teams.", Schema: "1.0", Key: []string{"team"}},
		},
	}
}

func roster() map[string][]contract.Row {
	teams := []contract.Row{contract.Row(`{"team":"blue"}`), contract.Row(`{"team":"red"}`)}
	var members []contract.Row
	for _, team := range []string{"blue", "red"} {
		for number := range 40 {
			members = append(members, contract.Row(fmt.Sprintf(
				`{"number":%d,"team":%q,"fullName":"Member %d","address":{"city":%q},"active":true}`, number+1, team, number, strings.Repeat("x", number))))
		}
	}
	return map[string][]contract.Row{"teams": teams, "members": members}
}

func older() []contracttest.Payload {
	return []contracttest.Payload{{Release: "1.0", Datasets: []contracttest.PayloadDataset{
		{Name: "teams", Schema: "1.0", Data: []byte("{\"team\":\"blue\"}\n")},
		{
			Name: "members", Schema: "1.0", Drops: true,
			Data: []byte("{\"city\":\"Oslo\",\"name\":\"Ada\",\"nickname\":\"A\",\"number\":1,\"team\":\"blue\"}\n{\"name\":\"Bo\",\"number\":2,\"team\":\"blue\"}\n"),
		},
	}}}
}

func good() (contract.App, contract.Options, error) {
	return contracttest.NewMemory(roster()), options(), nil
}

func TestKitPassesOnAnApplicationThatKeepsTheContract(t *testing.T) {
	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(good), Older: older()})
}

func TestKitSkipsAloudWithoutOlderPayloads(t *testing.T) {
	report := contracttest.Check(t.Context(), contracttest.Config{Start: contracttest.InProcess(good)})
	if failed := report.Failed(); len(failed) > 0 {
		t.Fatalf("failed:\n%s", report)
	}
	if report.Count(contracttest.Skipped) != 1 || !strings.Contains(report.String(), "1 skipped") {
		t.Errorf("want exactly one case skipped and counted:\n%s", report)
	}
}

func TestKitPutsBackTheStateOfASharedInstance(t *testing.T) {
	memory := contracttest.NewMemory(roster())
	instance, err := contracttest.InProcess(func() (contract.App, contract.Options, error) { return memory, options(), nil })(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := instance.Stop(); err != nil {
			t.Error(err)
		}
	})
	report := contracttest.Check(t.Context(), contracttest.Config{Start: contracttest.At(instance.Address, instance.Dial), Older: older()})
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

func TestIDsAreUnique(t *testing.T) {
	ids := contracttest.IDs()
	sorted := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(sorted) != len(ids) {
		t.Errorf("ids repeat: %v", ids)
	}
}
