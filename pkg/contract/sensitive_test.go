package contract_test

import (
	"io"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// Who says nothing about a dataset has it encrypted: in the description that backups
// are planned by, and in the export that says how to store what follows.
func TestDatasetsAreSensitiveUnlessTheySayClear(t *testing.T) {
	o := notes()
	o.Datasets = []contract.Dataset{
		{Name: "said-nothing", Schema: "1.0", Key: []string{"id"}},
		{Name: "said-clear", Schema: "1.0", Key: []string{"id"}, Clear: true},
	}
	client := start(t, contracttest.NewMemory(nil), o)
	want := map[string]bool{"said-nothing": true, "said-clear": false}

	info, err := client.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range info.Datasets {
		if d.Sensitive != want[d.Name] {
			t.Errorf("described: %s is sensitive: %t", d.Name, d.Sensitive)
		}
	}

	exported := map[string]bool{}
	_, err = client.Export(t.Context(), contract.ExportRequest{OperationID: operationID(t)},
		contract.SinkFunc(func(h contract.DatasetHeader) (io.WriteCloser, error) {
			exported[h.Name] = h.Sensitive
			return &collected{}, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	for name, sensitive := range want {
		if got, ok := exported[name]; !ok || got != sensitive {
			t.Errorf("exported: %s is sensitive: %t, announced: %t", name, got, ok)
		}
	}
}
