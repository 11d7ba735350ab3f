package contract_test

import (
	"encoding/json"
	"testing"

	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// FuzzCanonicalAgreesWithPayload holds two independent implementations of the
// canonical form against each other. A caller checks re-exports with the package
// payload, so a difference would look like damage.
func FuzzCanonicalAgreesWithPayload(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"b":[1,2.50,-0,1e5],"a":{"y":null,"x":"\u00e9\n<&>\u2028"}}`,
		`{"max":9223372036854775807,"f":0.1e-9,"big":1e400}`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, in []byte) {
		row, err := payload.DecodeRow(in)
		canonical, ours := contract.Canonical(in)
		if (err == nil) != (ours == nil) {
			t.Fatalf("%q: payload says %v, contract says %v", in, err, ours)
		}
		if err != nil {
			return
		}
		encoded, err := payload.EncodeRow(row)
		if err != nil {
			t.Fatal(err)
		}
		if string(encoded) != string(canonical) {
			t.Fatalf("%q: payload writes %s, contract writes %s", in, encoded, canonical)
		}
	})
}

// TestDeclaredChangesAgreeWithPayload upcasts through the server by declared
// changes and compares with what the package payload makes of the same row.
func TestDeclaredChangesAgreeWithPayload(t *testing.T) {
	changes := []contract.Change{
		{Op: contract.OpRename, Path: "/k8s", To: "/kubernetesVersion"},
		{Op: contract.OpMove, Path: "/zone", To: "/location/zone"},
		{Op: contract.OpMove, Path: "/old/deep", To: "/location/deep~1er"},
		{Op: contract.OpAdd, Path: "/lifecycle", Value: json.RawMessage(`{"state":"active"}`)},
		{Op: contract.OpMap, Path: "/tier", Value: json.RawMessage(`{"1":"gold","1.5":"silver","[\"<\"]":null}`)},
		{Op: contract.OpDrop, Path: "/legacy/notes"},
	}

	var declared []payload.Change
	for _, c := range changes {
		declared = append(declared, payload.Change{Op: payload.Op(c.Op), Path: c.Path, To: c.To, Value: c.Value})
	}
	o := notes()
	o.Datasets[0].Schema = "2.0"
	o.Datasets[0].Upcasts = []contract.Upcast{{From: "1.0", To: "2.0", Changes: changes}}

	for _, text := range []string{
		`{"id":1,"k8s":"1.24","legacy":{"notes":"x","other":1},"old":{"deep":[1,{}]},"tier":1,"zone":"a"}`,
		`{"id":1,"legacy":{"notes":{"a":1}},"lifecycle":null,"old":{},"tier":1.5}`,
		`{"id":9007199254740993,"tier":["<"]}`,
		`{"id":1,"location":{"region":"eu"},"tier":"1","zone":null}`,
	} {
		row, err := payload.DecodeRow([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		after, _, err := payload.Apply(declared, row)
		if err != nil {
			t.Fatal(err)
		}
		want, err := payload.EncodeRow(after)
		if err != nil {
			t.Fatal(err)
		}
		held := contracttest.NewMemory(nil)
		if _, err := start(t, held, o).Import(t.Context(), request(t, source("notes", "1.0", text+"\n"))); err != nil {
			t.Fatal(err)
		}
		if got := held.Rows("notes"); len(got) != 1 || string(got[0]) != string(want) {
			t.Errorf("%s\ncontract %s\npayload  %s", text, got, want)
		}
	}
}
