package contracttest_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func TestReadOlder(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	got, err := contracttest.ReadOlder(fstest.MapFS{
		"README.md": file("ignored"), "1.0/notes@1.2.ndjson": file("{}\n"), "1.0/notes@1.2.ndjson.want": file(""), "1.1/files@2.0.tar": file("x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []contracttest.Payload{
		{Release: "1.0", Datasets: []contracttest.PayloadDataset{{Name: "notes", Schema: "1.2", Data: []byte("{}\n"), Want: []byte{}}}},
		{Release: "1.1", Datasets: []contracttest.PayloadDataset{{Name: "files", Schema: "2.0", Data: []byte("x")}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	for name, dir := range map[string]fstest.MapFS{
		"nothing": {}, "no payload": {"1.0/notes@1.0.ndjson.want": file("")}, "no schema": {"1.0/notes.ndjson": file("")},
		"half a schema": {"1.0/notes@1": file("")},
	} {
		if got, err := contracttest.ReadOlder(dir); err == nil {
			t.Errorf("%s: accepted as %v", name, got)
		}
	}
}

func TestWriteJUnit(t *testing.T) {
	c := contracttest.Case{ID: "INFO-001", Level: contracttest.Required, Title: "a <title>"}
	report := contracttest.Report{Results: []contracttest.Result{
		{Case: c, Outcome: contracttest.Passed, Notes: []string{"a note"}, Duration: 1500 * time.Millisecond},
		{Case: c, Outcome: contracttest.Failed, Err: errors.New("it broke")},
		{Case: c, Outcome: contracttest.Skipped, Skip: contracttest.NotRun, Err: errors.New("needs Kill")},
	}}
	var b strings.Builder
	if err := report.WriteJUnit(&b, "notes"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`tests="3" failures="1" skipped="1" time="1.500"`, `name="INFO-001 a &lt;title&gt;"`,
		`<failure message="it broke">`, `<skipped message="not run: needs Kill">`, `<system-out>a note</system-out>`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in\n%s", want, b.String())
		}
	}
}
