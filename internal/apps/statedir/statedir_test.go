package statedir

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

var exportedAt = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// orders is the state of an application with rows, something opaque, and something sensitive.
func orders() (appbur.AppState, map[string]string) {
	payloads := map[string]string{
		"orders": "{\"id\":1}\n{\"id\":2}\n", "../ledger/x": "\x00\x01\x02", "tokens": "{\"id\":\"a\",\"token\":\"t\"}\n",
	}
	app := appbur.AppState{AppKey: appbur.AppKey{Namespace: "shop", Name: "orders"}, App: "example.com/orders", Version: "1.2.0"}
	for _, d := range []appbur.Dataset{
		{
			Name: "orders", Schema: "1.0", MediaType: "application/x-ndjson", Rows: 2, Key: []string{"id"},
			Positions: []appbur.Position{{Field: "id", Next: "3"}},
		},
		{Name: "../ledger/x", Schema: "2.0", MediaType: "application/octet-stream"},
		{Name: "tokens", Schema: "1.0", MediaType: "application/x-ndjson", Rows: 1, Key: []string{"id"}, Sensitive: true},
	} {
		d.Size, d.Digest = int64(len(payloads[d.Name])), appbur.Digest(sha256.Sum256([]byte(payloads[d.Name])))
		app.Datasets = append(app.Datasets, d)
	}
	return app, payloads
}

// written is a directory with the state of [orders].
func written(t *testing.T) string {
	t.Helper()
	app, payloads := orders()
	dir := filepath.Join(t.TempDir(), "orders.state")
	w, err := Create(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range app.Datasets {
		fill(t, w, app.AppKey, d, payloads[d.Name])
	}
	if err := w.Finish(app, "", exportedAt); err != nil {
		t.Fatal(err)
	}
	return dir
}

func fill(t *testing.T, w *Writer, key appbur.AppKey, d appbur.Dataset, content string) {
	t.Helper()
	file, err := w.Dataset(key, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(file, content); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	app, payloads := orders()
	dir := written(t)
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(app, s.App); diff != "" {
		t.Error(diff)
	}
	if !s.Exported.Equal(exportedAt) || s.Point != "" {
		t.Errorf("exported %s, of %q", s.Exported, s.Point)
	}
	for _, d := range s.App.Datasets {
		for range 2 { // an import reads a payload more than once
			in, err := s.Payload(appbur.AppKey{Namespace: "other", Name: "name"}, d)
			if err != nil {
				t.Fatal(err)
			}
			var read bytes.Buffer
			if _, err := io.Copy(&read, in); err != nil || read.String() != payloads[d.Name] {
				t.Errorf("%s: %q, %v", d.Name, &read, err)
			}
			if err := in.Close(); err != nil {
				t.Error(err)
			}
		}
	}

	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has the mode %s", entry.Name(), info.Mode())
		}
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{"01-orders.jsonl", "02-.._ledger_x.bin", "03-tokens.jsonl", "state.json"}, names); diff != "" {
		t.Error(diff)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestNothingIsWrittenOver(t *testing.T) {
	dir := written(t)
	if _, err := Create(dir, false); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}

	app, payloads := orders()
	late := filepath.Join(t.TempDir(), "late")
	w, err := Create(late, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range app.Datasets {
		fill(t, w, app.AppKey, d, payloads[d.Name])
	}
	if err := os.Mkdir(late, 0o700); err != nil { // somebody else was faster
		t.Fatal(err)
	}
	if err := w.Finish(app, "", exportedAt); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(late), ".*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestSensitiveDataIsNotWrittenUnasked(t *testing.T) {
	app, _ := orders()
	w, err := Create(filepath.Join(t.TempDir(), "x"), false)
	if err != nil {
		t.Fatal(err)
	}
	var sensitive *SensitiveError
	if _, err := w.Dataset(app.AppKey, app.Datasets[2]); !errors.As(err, &sensitive) || sensitive.Dataset != "tokens" {
		t.Errorf("%v", err)
	}
	if err := w.Drop(); err != nil {
		t.Error(err)
	}
}

// A payload that is not what was exported is never read to its end, whatever reads it.
func TestADamagedPayloadHasNoEnd(t *testing.T) {
	for name, damage := range map[string]func(text []byte) []byte{
		"another byte": func(text []byte) []byte { text[1] ^= 1; return text },
		"a byte less":  func(text []byte) []byte { return text[1:] },
		"a byte more":  func(text []byte) []byte { return append(text, '\n') },
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t)
			path := filepath.Join(dir, "01-orders.jsonl")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(text), 0o600); err != nil {
				t.Fatal(err)
			}

			s, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			in, err := s.Payload(s.App.AppKey, s.App.Datasets[0])
			if err == nil {
				_, err = io.Copy(io.Discard, in)
				_ = in.Close()
			}
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWhatIsNoState(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(written(t), stateFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{`"format": 1`, `"format": 2`, "its format is 2, this release knows 1"},
		{`"format": 1`, `"format": 1, "later": true`, `(unknown field "later")`},
		{`"format": 1`, `"format": "1"`, "(format cannot be a string)"},
		{`"01-orders.jsonl"`, `"../../etc/passwd"`, "none of this directory"},
		{`"01-orders.jsonl"`, `"state.json"`, "or that of another one"},
		{`"name": "tokens"`, `"name": "orders"`, "or that of another one"},
		{`"size": 18`, `"size": -1`, "cannot be"},
		{`"app": "example.com/orders"`, `"app": ""`, "of which application"},
	} {
		changed := strings.Replace(string(text), c.from, c.to, 1)
		if changed == string(text) {
			t.Fatalf("there is no %s in %s", c.from, text)
		}
		if _, err := parse([]byte(changed)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.to, err)
		}
	}

	if _, err := parse(append(text, "{}"...)); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
}

// What is parsed names files of its directory only, each once.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"format":1,"exported":"2026-11-30T12:00:00Z","namespace":"shop","name":"orders","app":"x","version":"1","datasets":[` +
		`{"name":"a","file":"01-a.jsonl","schema":"1.0","mediaType":"application/x-ndjson","rows":0,"size":0,"digest":"sha256:` +
		strings.Repeat("ab", 32) + `"}]}`))
	f.Add([]byte(`{"format":1,"datasets":[{"file":"../x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parse(text)
		if err != nil {
			return
		}
		seen := make(map[string]bool)
		for _, d := range s.Datasets {
			if seen[d.File] || filepath.Dir(filepath.Join("dir", d.File)) != "dir" || d.File == stateFile {
				t.Errorf("the file %q", d.File)
			}
			seen[d.File] = true
		}
	})
}
