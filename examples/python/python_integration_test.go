//go:build integration

package python_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// interpreter is Debian's: its packages are not seen by any other Python.
const interpreter = "/usr/bin/python3"

// generated makes the message classes, or says which target brings what is missing.
func generated(t *testing.T) string {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), interpreter, "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		t.Fatalf("%s has no grpcio or no protobuf; run `make packages`: %v\n%s", interpreter, err, out)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "./generate.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("protoc or its standard files are missing; run `make packages`: %v\n%s", err, out)
	}
	return dir
}

// TestContract runs the whole kit over the program, which is killed, stopped, started
// again and made slow, and which is written to by other means than imports. The
// pings of NET-005 take as long as a server with the default policy of grpc would
// need to object.
func TestContract(t *testing.T) {
	classes, n := generated(t), 0
	old := contracttest.Payload{Release: "1.0", Datasets: []contracttest.PayloadDataset{
		{Name: "books", Schema: "2.0", Data: []byte("{\"name\":\"a\"}\n")},
		{
			Name: "notes", Schema: "1.0", Drops: true,
			Data: []byte(`{"body":"x","book":"a","colour":"red","done":false,"title":"t"}` + "\n" +
				`{"body":"","book":"a","done":true,"title":"u"}` + "\n"),
		},
	}}

	contracttest.Run(t, contracttest.Config{
		Older: []contracttest.Payload{old}, Strict: true, Idle: 85 * time.Second, Timeout: 2 * time.Minute,
		Start: func(ctx context.Context) (*contracttest.Instance, error) {
			n++
			dir := filepath.Join(t.TempDir(), strconv.Itoa(n))
			if err := os.Mkdir(dir, 0o700); err != nil {
				return nil, err
			}
			return start(ctx, classes, dir, 200)
		},
	})
}

// TestSocketIsPrivate: whoever may connect may read everything.
func TestSocketIsPrivate(t *testing.T) {
	dir := t.TempDir()
	instance, err := start(t.Context(), generated(t), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "s"))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := instance.Stop(); err != nil {
		t.Fatal(err)
	}
}

// TestCanonical holds both implementations of the canonical form against one another.
func TestCanonical(t *testing.T) {
	lines := []string{
		`{"b":1,"a":[true,false,null,{}],"é":"\u00e9\/\u001f\u007f\u2028"}`,
		`{"a":1e21,"b":1e-7,"c":123e-9,"d":0.000001,"e":1.5E300,"f":1e20,"g":-0,"h":-0.0,"i":100.0,"j":10000000000000000000000000,"k":0.1e1,"l":12345678901234567890.5}`,
		`{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":"\ud83d\ude00"}`, `[1]`, `{"a":NaN}`, `{"a":01}`, `{"a":1e1000001}`, `{"a":1e999999}`,
		`{"a":1}x`, ` {"a" : 1 } `, "", "\ufeff{}",
		`{"\u0001":"\b\f\n\r\t\"\\"}`, `{"a":` + strings.Repeat("[", 199) + strings.Repeat("]", 199) + `}`,
		`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, `{"a":` + strings.Repeat("[", 201) + strings.Repeat("]", 201) + `}`,
		"{\"\U00010000\":1,\"\uffff\":2}", "{\"a\":\"\xff\"}", "{\"a\":\"\t\"}", `{"a":1e-1000000000000000000000}`, `{"a":0e99999999}`,
		`{"a":0.1e1000000}`, `{"a":1000e1000000}`, `{"a":1e-000000000000000000000000007}`,
	}

	program := `
import sys, json
from rows import parse, canonical
for line in sys.stdin.buffer:
    try:
        print(json.dumps(canonical(parse(bytes.fromhex(line.decode()))).encode().hex()))
    except ValueError:
        print("null")
`

	var input strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&input, "%x\n", line)
	}
	command := exec.CommandContext(t.Context(), interpreter, "-c", program)
	command.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	command.Stdin = strings.NewReader(input.String())

	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines", len(answers), len(lines))
	}

	for i, line := range lines {
		want := "null"
		if row, err := contract.Canonical(json.RawMessage(line)); err == nil {
			want = fmt.Sprintf("%q", fmt.Sprintf("%x", row))
		}
		if answers[i] != want {
			t.Errorf("%.60q: Python says %s, Go says %s", line, answers[i], want)
		}
	}
}
