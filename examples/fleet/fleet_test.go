// Package fleet_test proves that what release 1 of fleet exported can be imported
// by release 2, and that nothing is lost on the way but what was declared.
package fleet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/examples/fleet/program"
	v1 "github.com/appbur/appbur/examples/fleet/v1"
	v2 "github.com/appbur/appbur/examples/fleet/v2"
	v3 "github.com/appbur/appbur/examples/fleet/v3"
	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

var update = flag.Bool("update", false, "write the golden payloads of release 2 anew; those of release 1 are frozen")

// now is the clock of the tests.
func now() time.Time { return time.Date(2026, time.November, 21, 3, 2, 38, 0, time.UTC) }

// The releases, by the name of their golden payloads.
var releases = map[string]program.Version{
	"v1": {
		Name: "fleet-v1", App: v1.AppVersion,
		Open: func(ctx context.Context, file string) (program.Fleet, error) { return v1.Open(ctx, file, now) },
	},
	"v2": {
		Name: "fleet-v2", App: v2.AppVersion,
		Open: func(ctx context.Context, file string) (program.Fleet, error) { return v2.Open(ctx, file, now) },
	},
	"v3": {
		Name: "fleet-v3", App: v3.AppVersion,
		Open: func(ctx context.Context, file string) (program.Fleet, error) { return v3.Open(ctx, file, now) },
	},
}

// goldenClusters is how many clusters the golden payloads hold.
const goldenClusters = 12

// open opens a fleet with n made-up clusters.
func open(t *testing.T, release string, n int) program.Fleet {
	t.Helper()
	fleet, err := releases[release].Open(t.Context(), filepath.Join(t.TempDir(), "fleet.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fleet.Close() })
	if err := fleet.Seed(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return fleet
}

// dial serves a fleet at a unix socket and connects to it.
func dial(t *testing.T, release string, fleet program.Fleet) *contract.Client {
	t.Helper()
	instance, err := contracttest.InProcess(func() (contract.App, contract.Options, error) {
		return fleet, options(release, fleet), nil
	})(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := instance.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := contract.Dial(t.Context(), instance.Address, instance.Dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func options(release string, fleet program.Fleet) contract.Options {
	return contract.Options{ID: program.AppID, Version: releases[release].App, Datasets: fleet.Datasets(), Now: now}
}

// payloads are the bytes of each dataset.
type payloads map[string]string

type writer struct {
	strings.Builder
	done func(string)
}

// Close implements [io.Closer].
func (w *writer) Close() error {
	w.done(w.String())
	return nil
}

func export(t *testing.T, client *contract.Client) (payloads, contract.ExportResult) {
	t.Helper()
	got := payloads{}
	result, err := client.Export(t.Context(), contract.ExportRequest{OperationID: operation(t)},
		contract.SinkFunc(func(h contract.DatasetHeader) (io.WriteCloser, error) {
			return &writer{done: func(s string) { got[h.Name] = s }}, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	return got, result
}

func operation(t *testing.T) string {
	t.Helper()
	id, err := contract.NewOperationID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func request(t *testing.T, version string, p payloads, schemas map[string]string) contract.ImportRequest {
	r := contract.ImportRequest{OperationID: operation(t), SourceApp: program.AppID, SourceVersion: version}
	for name, data := range p {
		r.Datasets = append(r.Datasets, contract.DatasetSource{
			Name: name, Schema: schemas[name], Rows: int64(strings.Count(data, "\n")), Size: int64(len(data)), Digest: appbur.DigestOf([]byte(data)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data)), nil },
		})
	}
	return r
}

// schemas1 are what release 1 wrote.
var schemas1 = map[string]string{"customers": "1.0", "clusters": "1.0", "maintenance-windows": "1.0", "credentials": "1.0"}

func golden(t *testing.T, release string) payloads {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", release, "*.ndjson"))
	if err != nil || len(files) != len(schemas1) {
		t.Fatalf("%d golden payloads in testdata/%s (%v), want %d", len(files), release, err, len(schemas1))
	}
	p := payloads{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p[strings.TrimSuffix(filepath.Base(file), ".ndjson")] = string(data)
	}
	return p
}

// TestRelease1IsFrozen: payloads of release 1 are out there, so its code must go
// on writing the same bytes for the same state.
func TestRelease1IsFrozen(t *testing.T) {
	got, _ := export(t, dial(t, "v1", open(t, "v1", goldenClusters)))
	if diff := cmp.Diff(golden(t, "v1"), got); diff != "" {
		t.Errorf("release 1 writes another payload (-golden +got):\n%s", diff)
	}
}

func TestRelease2ImportsRelease1(t *testing.T) {
	source := golden(t, "v1")
	client := dial(t, "v2", open(t, "v2", 3)) // what was there is replaced
	result, err := client.Import(t.Context(), request(t, v1.AppVersion, source, schemas1))
	if err != nil {
		t.Fatal(err)
	}
	got, exported := export(t, client)

	if *update {
		for name, data := range got {
			if err := os.WriteFile(filepath.Join("testdata", "v2", name+".ndjson"), []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}

	if diff := cmp.Diff(golden(t, "v2"), got); diff != "" {
		t.Errorf("the re-export differs (-golden +got):\n%s", diff)
	}

	for _, d := range result.Datasets {
		for _, e := range exported.Datasets {
			if e.Name == d.Name && (e.Digest != d.Digest || e.Rows != d.Rows || !d.Verified) {
				t.Errorf("the import announced %+v, the re-export is %+v", d, e)
			}
		}
		if d.Name == "clusters" {
			withNotes := int64(strings.Count(source["clusters"], `"legacyNotes":`))
			if len(d.Dropped) != 1 || d.Dropped[0].Path != "/legacyNotes" || d.Dropped[0].Rows != withNotes || !d.Dropped[0].Declared ||
				withNotes == 0 {
				t.Errorf("dropped: %+v, want the notes of %d clusters", d.Dropped, withNotes)
			}
		} else if len(d.Dropped) > 0 {
			t.Errorf("%s dropped %+v", d.Name, d.Dropped)
		}
	}

	checkDeclaredChanges(t, client, source, got)
}

// checkDeclaredChanges applies what release 2 declares to the payload of release
// 1, by other code than the one that imported it.
func checkDeclaredChanges(t *testing.T, client *contract.Client, source, got payloads) {
	t.Helper()
	info, err := client.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	for _, d := range info.Datasets {
		var changes []payload.Change
		for _, u := range d.Upcasts {
			for _, c := range u.Changes {
				changes = append(changes, payload.Change{Op: payload.Op(c.Op), Path: c.Path, To: c.To, Value: c.Value, Reason: c.Reason})
			}
		}
		var want bytes.Buffer
		for line := range strings.Lines(source[d.Name]) {
			row, err := payload.DecodeRow([]byte(strings.TrimSuffix(line, "\n")))
			if err != nil {
				t.Fatal(err)
			}
			if row, _, err = payload.Apply(changes, row); err != nil {
				t.Fatal(err)
			}
			encoded, err := payload.EncodeRow(row)
			if err != nil {
				t.Fatal(err)
			}
			want.Write(append(encoded, '\n'))
		}
		if diff := cmp.Diff(want.String(), got[d.Name]); diff != "" {
			t.Errorf("%s differs from the declared change (-declared +got):\n%s", d.Name, diff)
		}
	}
}

func TestRelease2ReadsItself(t *testing.T) {
	schemas := map[string]string{"customers": "2.0", "clusters": "2.0", "maintenance-windows": "1.0", "credentials": "1.0"}
	want, _ := export(t, dial(t, "v2", open(t, "v2", 40)))
	client := dial(t, "v2", open(t, "v2", 0))
	if _, err := client.Import(t.Context(), request(t, v2.AppVersion, want, schemas)); err != nil {
		t.Fatal(err)
	}
	if got, _ := export(t, client); !cmp.Equal(want, got) {
		t.Errorf("the re-export differs:\n%s", cmp.Diff(want, got))
	}
}

func TestRelease1RefusesRelease2(t *testing.T) {
	client := dial(t, "v1", open(t, "v1", 3))
	schemas := map[string]string{"customers": "2.0", "clusters": "2.0", "maintenance-windows": "1.0", "credentials": "1.0"}
	_, err := client.Import(t.Context(), request(t, v2.AppVersion, golden(t, "v2"), schemas))
	if contract.ReasonOf(err) != contract.ReasonSchemaTooNew {
		t.Errorf("error is %v, want %s", err, contract.ReasonSchemaTooNew)
	}
}

func TestImportIsAtomicAndSecretsStayOut(t *testing.T) {
	client := dial(t, "v2", open(t, "v2", 3))
	before, _ := export(t, client)

	for name, c := range map[string]struct {
		dataset, from, to string
		reason            contract.Reason
	}{
		"dangling reference": {"maintenance-windows", `"clusterId":"c0001-`, `"clusterId":"c9999-`, contract.ReasonConstraintViolation},
		"unknown field":      {"credentials", `"token":"`, `"tokem":"`, contract.ReasonPayloadInvalid},
		"wrong type":         {"credentials", `"token":"made-up-`, `"token":1,"x":"`, contract.ReasonPayloadInvalid},
		"duplicate":          {"clusters", `"name":"staging-us-east-1"`, `"name":"prod-us-west-2"`, contract.ReasonConstraintViolation},
	} {
		t.Run(name, func(t *testing.T) {
			p := golden(t, "v1")
			changed := strings.Replace(p[c.dataset], c.from, c.to, 1)
			if changed == p[c.dataset] {
				t.Fatal("the payload has nothing to break")
			}
			p[c.dataset] = changed
			_, err := client.Import(t.Context(), request(t, v1.AppVersion, p, schemas1))
			if contract.ReasonOf(err) != c.reason {
				t.Fatalf("error is %v, want %s", err, c.reason)
			}
			if strings.Contains(err.Error(), "made-up") {
				t.Errorf("a token is in the error: %v", err)
			}
			if after, _ := export(t, client); !cmp.Equal(before, after) {
				t.Error("a refused import changed the state")
			}
		})
	}
}

func TestContractKit(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	older := contracttest.Payload{Release: v1.AppVersion}
	for name, data := range golden(t, "v1") {
		older.Datasets = append(older.Datasets,
			contracttest.PayloadDataset{Name: name, Schema: schemas1[name], Data: []byte(data), Drops: name == "clusters"})
	}
	for _, release := range []string{"v1", "v2"} { // release 3 differs from 2 in what it declares
		t.Run(release, func(t *testing.T) {
			config := contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
				fleet := open(t, release, 90)
				return fleet, options(release, fleet), nil
			})}
			if release == "v2" {
				config.Older = []contracttest.Payload{older}
			}
			contracttest.Run(t, config)
		})
	}
}

func TestSnapshotSeesOneMoment(t *testing.T) {
	fleet := open(t, "v1", 3)
	snapshot, err := fleet.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	if status, body := call(t, fleet, "POST", "/v1/customers", `{"id":"late","name":"Late","tier":"gold"}`); status != 201 {
		t.Fatalf("%d %s: an export stops writers", status, body)
	}
	for row, err := range snapshot.Rows(t.Context(), "customers") {
		if err != nil || strings.Contains(string(row), "late") {
			t.Errorf("%s (%v)", row, err)
		}
	}
}

func TestIDsContinueAfterAnImport(t *testing.T) {
	fleet := open(t, "v2", 0)
	if _, err := dial(t, "v2", fleet).Import(t.Context(), request(t, v1.AppVersion, golden(t, "v1"), schemas1)); err != nil {
		t.Fatal(err)
	}
	status, body := call(t, fleet, "POST", "/v2/clusters/"+firstCluster(t)+"/maintenance-windows",
		`{"startsAt":"2027-01-01T00:00:00Z","endsAt":"2027-01-01T02:00:00Z","reason":"x"}`)
	var window struct{ ID int64 }
	if err := json.Unmarshal([]byte(body), &window); err != nil || status != 201 {
		t.Fatalf("%d %s (%v)", status, body, err)
	}
	if want := int64(strings.Count(golden(t, "v1")["maintenance-windows"], "\n")) + 1; window.ID != want {
		t.Errorf("the next window has the number %d, want %d", window.ID, want)
	}
}

func firstCluster(t *testing.T) string {
	t.Helper()
	var c struct{ ID string }
	line, _, _ := strings.Cut(golden(t, "v1")["clusters"], "\n")
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		t.Fatal(err)
	}
	return c.ID
}
