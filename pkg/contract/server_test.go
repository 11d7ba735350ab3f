package contract_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// notes is the dataset of most tests.
func notes() contract.Options {
	return contract.Options{
		ID: "notes", Version: "2.1.0",
		Datasets: []contract.Dataset{{Name: "notes", Description: "Notes.", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	}
}

func row(format string, args ...any) contract.Row { return contract.Row(fmt.Sprintf(format, args...)) }

func memory(rows ...contract.Row) *contracttest.Memory {
	return contracttest.NewMemory(map[string][]contract.Row{"notes": rows})
}

// start serves the application at a unix socket and returns a client.
func start(t *testing.T, app contract.App, o contract.Options) *contract.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "appbur")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})

	client, err := contract.Dial(t.Context(), serveAt(t, "unix://"+filepath.Join(dir, "app"), app, o), contract.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func operationID(t *testing.T) string {
	t.Helper()
	id, err := contract.NewOperationID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

type collected struct{ bytes.Buffer }

func (*collected) Close() error { return nil }

func export(t *testing.T, c *contract.Client) (contract.ExportResult, map[string]string, error) {
	t.Helper()
	payloads := map[string]*collected{}
	result, err := c.Export(t.Context(), contract.ExportRequest{OperationID: operationID(t)}, contract.SinkFunc(
		func(h contract.DatasetHeader) (io.WriteCloser, error) {
			payloads[h.Name] = &collected{}
			return payloads[h.Name], nil
		}))
	texts := map[string]string{}
	for name, p := range payloads {
		texts[name] = p.String()
	}
	return result, texts, err
}

func source(name, schema, text string) contract.DatasetSource {
	return contract.DatasetSource{
		Name: name, Schema: schema, Rows: int64(strings.Count(text, "\n")), Size: int64(len(text)), Digest: appbur.DigestOf([]byte(text)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

func request(t *testing.T, sources ...contract.DatasetSource) contract.ImportRequest {
	t.Helper()
	return contract.ImportRequest{OperationID: operationID(t), SourceApp: "notes", Datasets: sources}
}

// wantReason checks reason and hint of an error that came from the server.
func wantReason(t *testing.T, err error, reason contract.Reason) *contract.Error {
	t.Helper()
	var e *contract.Error
	if !errors.As(err, &e) {
		t.Fatalf("want a contract error with %s, got %v", reason, err)
	}
	if e.Reason != reason || e.Code != reason.Code() {
		t.Fatalf("want %s (%s), got %s (%s): %v", reason, reason.Code(), e.Reason, e.Code, err)
	}
	if appbur.HintOf(err) == "" {
		t.Errorf("the error has no hint: %v", err)
	}
	return e
}

func TestExportOfManyChunks(t *testing.T) {
	var rows []contract.Row
	for i := range 3000 {
		rows = append(rows, row(`{"text":%q,"id":%d}`, strings.Repeat("é", 100+i%7), i))
	}

	// One row is longer than several chunks.
	rows = append(rows, row(`{"id":3000,"text":%q}`, strings.Repeat("long ", 200_000)))
	client := start(t, memory(rows...), notes())
	result, payloads, err := export(t, client)
	if err != nil {
		t.Fatal(err)
	}
	d := result.Datasets[0]
	if d.Rows != 3001 || d.Size != int64(len(payloads["notes"])) || d.Digest != appbur.DigestOf([]byte(payloads["notes"])) {
		t.Errorf("result %+v does not describe the payload", d)
	}

	if !strings.HasPrefix(payloads["notes"], `{"id":0,"text":"é`) {
		t.Error("rows are not canonical")
	}
	imported, err := client.Import(t.Context(), request(t, source("notes", "1.0", payloads["notes"])))
	if err != nil {
		t.Fatal(err)
	}
	if got := imported.Datasets[0]; got.Digest != d.Digest || !got.Verified || got.Rows != 3001 {
		t.Errorf("imported %+v, want the digest of the export, verified", got)
	}
}

func TestExportOfASelection(t *testing.T) {
	o := notes()
	o.Datasets = []contract.Dataset{
		{Name: "c", Schema: "1.0", Key: []string{"id"}, DependsOn: []string{"b"}},
		{Name: "b", Schema: "1.0", Key: []string{"id"}, DependsOn: []string{"a"}},
		{Name: "a", Schema: "1.0", Key: []string{"id"}},
		{Name: "d", Schema: "1.0", Key: []string{"id"}},
	}
	client := start(t, contracttest.NewMemory(nil), o)
	sink := contract.SinkFunc(func(contract.DatasetHeader) (io.WriteCloser, error) { return &collected{}, nil })
	result, err := client.Export(t.Context(), contract.ExportRequest{OperationID: operationID(t), Datasets: []string{"b"}}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Datasets) != 2 || result.Datasets[0].Name != "a" || result.Datasets[1].Name != "b" {
		t.Errorf("got %+v, want a and b", result.Datasets)
	}
	_, err = client.Export(t.Context(), contract.ExportRequest{OperationID: operationID(t), Datasets: []string{"nothing"}}, sink)
	wantReason(t, err, contract.ReasonUnknownDataset)
}

func TestOneImportAtATime(t *testing.T) {
	app := &scripted{App: memory(), begun: make(chan struct{})}
	client := start(t, app, notes())
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := client.Import(ctx, request(t, source("notes", "1.0", "{\"id\":1}\n")))
		first <- err
	}()
	<-app.begun
	_, err := client.Import(t.Context(), request(t, source("notes", "1.0", "{\"id\":2}\n")))
	if e := wantReason(t, err, contract.ReasonOperationInProgress); !e.Retryable {
		t.Error("the error is not marked as retryable")
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first import ended with %v, want cancelled", err)
	}
}

func TestResultsSurviveARestart(t *testing.T) {
	o := notes()
	o.SpoolDir = t.TempDir()
	r := request(t, source("notes", "1.0", "{\"id\":1}\n"))
	if _, err := start(t, memory(), o).Import(t.Context(), r); err != nil {
		t.Fatal(err)
	}

	// The second server holds nothing and must not apply the import again.
	held := memory()
	client := start(t, held, o)
	result, err := client.Import(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}

	if !result.Replayed || len(held.Rows("notes")) != 0 {
		t.Errorf("replayed %t, %d rows; want the stored result and no effect", result.Replayed, len(held.Rows("notes")))
	}
	r.DryRun = true
	_, err = client.Import(t.Context(), r)
	wantReason(t, err, contract.ReasonOperationConflict)
	left, err := filepath.Glob(filepath.Join(o.SpoolDir, "import-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("payloads were left in the spool: %v %v", left, err)
	}
}

func TestUpcastsReportWhatTheyDrop(t *testing.T) {
	o := notes()
	o.Datasets[0].Schema = "3.0"
	o.Datasets[0].Reads = ">= 1.0, < 4.0"

	o.Datasets[0].Upcasts = []contract.Upcast{
		{
			From: "1.0", To: "2.0",
			Changes: []contract.Change{{Op: contract.OpRename, Path: "/txt", To: "/text"}},
			Row: func(row map[string]any) (map[string]any, error) {
				if row["id"] == json.Number("9") {
					return nil, nil
				}
				row["text"] = row["txt"]
				delete(row, "txt")
				delete(row, "secret") // not declared
				return row, nil
			},
		},
		{From: "2.0", To: "3.0", Changes: []contract.Change{
			{Op: contract.OpMove, Path: "/text", To: "/body/text"},
			{Op: contract.OpAdd, Path: "/body/format", Value: json.RawMessage(`"plain"`)},
			{Op: contract.OpMap, Path: "/state", Value: json.RawMessage(`{"0":"open","1":"done"}`)},
			{Op: contract.OpDrop, Path: "/legacy", Reason: "unused since 2.0"},
		}},
	}

	held := memory()
	client := start(t, held, o)
	text := `{"id":1,"legacy":{"a":1,"b":2},"state":0,"txt":"one"}
{"id":2,"secret":9223372036854775807,"state":1,"txt":"two"}
{"id":9,"txt":"gone"}
{"big":9223372036854775807,"id":10,"legacy":null,"state":7}
`
	result, err := client.Import(t.Context(), request(t, source("notes", "1.0", text)))
	if err != nil {
		t.Fatal(err)
	}

	want := []string{
		`{"body":{"format":"plain","text":"one"},"id":1,"state":"open"}`,
		`{"body":{"format":"plain","text":"two"},"id":2,"state":"done"}`,
		`{"big":9223372036854775807,"body":{"format":"plain","text":null},"id":10,"state":7}`,
	}
	for i, r := range held.Rows("notes") {
		if i >= len(want) || string(r) != want[i] {
			t.Errorf("row %d is %s", i+1, r)
		}
	}

	got := fmt.Sprintf("%+v", result.Datasets[0].Dropped)
	wantDropped := fmt.Sprintf("%+v", []contract.Dropped{
		{Path: "", From: "1.0", To: "2.0", Rows: 1, Declared: true, Reason: "the step drops the row"},
		{Path: "/secret", From: "1.0", To: "2.0", Rows: 1, Declared: false},
		{Path: "/legacy", From: "2.0", To: "3.0", Rows: 1, Declared: true, Reason: "unused since 2.0"},
	})
	if got != wantDropped {
		t.Errorf("dropped\n%s\nwant\n%s", got, wantDropped)
	}
	if d := result.Datasets[0]; d.Rows != 3 || d.SchemaFrom != "1.0" || d.SchemaTo != "3.0" {
		t.Errorf("result %+v", d)
	}
}

func TestDamagedSourceIsNeverCommitted(t *testing.T) {
	held := memory(row(`{"id":1}`))
	client := start(t, held, notes())
	s := source("notes", "1.0", "{\"id\":2}\n")
	s.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{\"id\":3}\n")), nil }
	_, err := client.Import(t.Context(), request(t, s))
	if err == nil || !strings.Contains(err.Error(), "differs from its digest") || appbur.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
	if rows := held.Rows("notes"); len(rows) != 1 || string(rows[0]) != `{"id":1}` {
		t.Errorf("the state became %s", rows)
	}
}

func TestDescriptionsAreChecked(t *testing.T) {
	tests := map[string]func(o *contract.Options){
		"no id":                 func(o *contract.Options) { o.ID = "" },
		"a bad id":              func(o *contract.Options) { o.ID = "No Tes" },
		"no version":            func(o *contract.Options) { o.Version = "" },
		"no dataset":            func(o *contract.Options) { o.Datasets = nil },
		"a bad name":            func(o *contract.Options) { o.Datasets[0].Name = "Notes!" },
		"two of one name":       func(o *contract.Options) { o.Datasets = append(o.Datasets, o.Datasets[0]) },
		"a bad schema":          func(o *contract.Options) { o.Datasets[0].Schema = "1" },
		"no key":                func(o *contract.Options) { o.Datasets[0].Key = nil },
		"a range without it":    func(o *contract.Options) { o.Datasets[0].Reads = "< 1.0" },
		"a bad range":           func(o *contract.Options) { o.Datasets[0].Reads = "about 1" },
		"an unknown dependency": func(o *contract.Options) { o.Datasets[0].DependsOn = []string{"other"} },
		"a circle":              func(o *contract.Options) { o.Datasets[0].DependsOn = []string{"notes"} },
		"an upcast backwards": func(o *contract.Options) {
			o.Datasets[0].Upcasts = []contract.Upcast{{From: "2.0", To: "1.0", Changes: drop}}
		},
		"an empty upcast": func(o *contract.Options) { o.Datasets[0].Upcasts = []contract.Upcast{{From: "0.1", To: "1.0"}} },
		"an upcast too far": func(o *contract.Options) {
			o.Datasets[0].Upcasts = []contract.Upcast{{From: "0.1", To: "1.1", Changes: drop}}
		},
		"an upcast to nowhere": func(o *contract.Options) {
			o.Datasets[0].Upcasts = []contract.Upcast{{From: "0.1", To: "0.2", Changes: drop}}
		},
		"a bad change": func(o *contract.Options) {
			o.Datasets[0].Upcasts = []contract.Upcast{{From: "0.1", To: "1.0", Changes: []contract.Change{{Op: "burn", Path: "/x"}}}}
		},
		"a bad path": func(o *contract.Options) {
			o.Datasets[0].Upcasts = []contract.Upcast{{From: "0.1", To: "1.0", Changes: []contract.Change{{Op: contract.OpDrop, Path: "x"}}}}
		},
	}

	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			o := notes()
			change(&o)
			if _, err := contract.NewServer(memory(), o); err == nil {
				t.Error("accepted")
			}
		})
	}
}

var drop = []contract.Change{{Op: contract.OpDrop, Path: "/x"}}
