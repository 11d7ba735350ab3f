package protorows_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
	"github.com/appbur/appbur/pkg/contract/protorows"
)

func Example() {
	codec := protorows.New(new(contractpb.Fingerprint))
	fmt.Println(codec.Fields())
	item, err := codec.Value([]byte(`{"dataset":"notes","token":"AQI="}`))
	fmt.Println(item.GetDataset(), len(item.GetToken()), err)
	// Output:
	// [dataset token]
	// notes 2 <nil>
}

func TestFieldsAndDefaults(t *testing.T) {
	codec := protorows.New(new(contractpb.DatasetTrailer))
	if got := codec.Fields(); !slices.Equal(got, []string{"dataset", "rows", "bytes", "sha256", "positions"}) {
		t.Errorf("fields %q", got)
	}
	row, err := codec.Row(new(contractpb.DatasetTrailer))
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := contract.Canonical(row)
	if err != nil || string(canonical) != `{"bytes":"0","dataset":"","positions":[],"rows":"0","sha256":""}` {
		t.Errorf("zero values are written as %s, %v", canonical, err)
	}
}

func TestRoundTrip(t *testing.T) {
	codec := protorows.New(new(contractpb.Failure))
	message := &contractpb.Failure{
		Code: 7, Reason: contractpb.Reason_REASON_PANIC, Message: "ü\n",
		Metadata: map[string]string{"b": "1", "a": "2"},
	}
	row, err := codec.Row(message)
	if err != nil {
		t.Fatal(err)
	}
	back, err := codec.Value(row)
	if err != nil || !proto.Equal(message, back) {
		t.Errorf("%s became %v, %v", row, back, err)
	}
}

func TestSensitive(t *testing.T) {
	for _, test := range []struct {
		sensitive bool
		want      bool
		name      string
	}{
		{protorows.New(new(contractpb.Chunk)).Sensitive(), true, "a field"},
		{protorows.New(new(contractpb.ExportResponse)).Sensitive(), true, "a field within"},
		{protorows.New(new(contractpb.ImportAck)).Sensitive(), false, "none"},
	} {
		if test.sensitive != test.want {
			t.Errorf("%s: %t", test.name, test.sensitive)
		}
	}
}

func TestNothingIsLost(t *testing.T) {
	// A release that has more fields wrote this.
	later, err := proto.Marshal(&contractpb.Failure{Message: "x", Metadata: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	var earlier contractpb.ImportAck // has no fields 3 and 4
	if err := proto.Unmarshal(later, &earlier); err != nil {
		t.Fatal(err)
	}
	if _, err := protorows.New(&earlier).Row(&earlier); err == nil {
		t.Error("unknown fields were left out")
	}
	outer := &contractpb.ImportState{Datasets: []*contractpb.ImportAck{{}, &earlier}}
	if _, err := protorows.New(outer).Row(outer); err == nil {
		t.Error("unknown fields within were left out")
	}
}

func TestReadingIsStrictAndDiscreet(t *testing.T) {
	codec := protorows.New(new(contractpb.ExportedDataset))
	const canary = "hunter2"
	for name, row := range map[string]string{
		"an unknown field":     `{"color":"` + canary + `"}`,
		"a name of the .proto": `{"media_type":"` + canary + `"}`,
		"another type":         `{"name":["` + canary + `"]}`,
		"a bad boolean":        `{"sensitive":"` + canary + `"}`,
		"a list":               `["` + canary + `"]`,
	} {
		if _, err := codec.Value([]byte(row)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}

	rows := func(yield func(contract.Row, error) bool) {
		_ = yield([]byte(`{"name":"a"}`), nil) && yield([]byte(`{"name":1}`), nil)
	}
	var last error
	for _, last = range codec.Values("items", rows) {
	}
	var e *contract.Error
	if !errors.As(last, &e) || e.Reason != contract.ReasonPayloadInvalid || e.Metadata["row"] != "2" {
		t.Errorf("got %v", last)
	}
}

func FuzzValue(f *testing.F) {
	f.Add([]byte(`{"name":"a","schema":"1.0","mediaType":"x","sensitive":true,"key":["id"]}`))
	f.Add([]byte(`{"name":null,"key":[]}`))
	codec := protorows.New(new(contractpb.ExportedDataset))
	f.Fuzz(func(t *testing.T, in []byte) {
		message, err := codec.Value(in)
		if err != nil {
			return
		}
		row, err := codec.Row(message)
		if err != nil {
			t.Fatalf("%s cannot be written again: %v", in, err)
		}
		if back, err := codec.Value(row); err != nil || !proto.Equal(message, back) {
			t.Errorf("%s became %s: %v", in, row, err)
		}
	})
}
