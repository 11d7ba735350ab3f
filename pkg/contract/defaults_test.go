package contract_test

import (
	"encoding/json"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
)

// Rows of an older release have no field that a newer one added: it gets the default, is
// counted, and the caller can predict it. What has no default stays a refusal of the
// application.
func TestFieldsThatThePayloadLacksGetTheirDefaults(t *testing.T) {
	options := notes()
	options.Datasets[0].Defaults = []contract.FieldDefault{{Field: "colour", Value: json.RawMessage(`"red"`)}, {Field: "at"}}
	client := start(t, memory(), options)
	info, err := client.Info(t.Context())
	if err != nil || len(info.Datasets[0].Defaults) != 2 || string(info.Datasets[0].Defaults[0].Value) != `"red"` ||
		info.Datasets[0].Defaults[1].Value != nil {
		t.Fatalf("it announces %+v (%v)", info.Datasets, err)
	}

	result, err := client.Import(t.Context(), request(t, source("notes", "1.0", `{"at":1,"colour":"blue","id":1}`+"\n"+`{"id":2}`+"\n")))
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Datasets[0].Filled; len(got) != 2 || got[0] != (contract.Filled{Field: "colour", Rows: 1}) ||
		got[1] != (contract.Filled{Field: "at", Rows: 1}) {
		t.Errorf("filled are %+v", got)
	}
	exported, payloads, err := export(t, client)
	if want := `{"at":1,"colour":"blue","id":1}` + "\n" + `{"colour":"red","id":2}` + "\n"; err != nil || payloads["notes"] != want {
		t.Errorf("it holds %s, want %s (%v)", payloads["notes"], want, err)
	}
	if exported.Datasets[0].Digest != result.Datasets[0].Digest {
		t.Error("the result does not sum up what an export gives")
	}

	options.Datasets[0].Defaults = []contract.FieldDefault{{Field: "id", Value: json.RawMessage(`1`)}}
	if _, err := contract.NewServer(memory(), options); err == nil {
		t.Error("a field of the key has a default")
	}
}
