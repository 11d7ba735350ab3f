//go:build integration

package contract_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The lint compares the contract with the released one. This shows that the
// comparison can fail: what would break a caller is noticed, what would not is not.
func TestBreakingChangesAreNoticed(t *testing.T) {
	buf, err := filepath.Abs("../../bin/tools/buf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(buf); err != nil {
		t.Fatalf("buf is missing, which `make tools` builds: %v", err)
	}

	for name, test := range map[string]struct {
		old, new string
		breaks   bool
	}{
		"nothing changes":         {"", "", false},
		"a field is added":        {"  fixed32 crc32c = 4;", "  fixed32 crc32c = 4;\n  string note = 5;", false},
		"a field gets a number":   {"  fixed32 crc32c = 4;", "  fixed32 crc32c = 5;", true},
		"a field gets a name":     {"  fixed32 crc32c = 4;", "  fixed32 checksum = 4;", true},
		"a field gets a type":     {"  fixed32 crc32c = 4;", "  uint32 crc32c = 4;", true},
		"a reason is taken away":  {"  REASON_PANIC = 20;", "", true},
		"a call is taken away":    {"  rpc ReleaseExport(ReleaseExportRequest) returns (ReleaseExportResponse);", "", true},
		"a call becomes a stream": {"returns (GetInfoResponse)", "returns (stream GetInfoResponse)", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../../proto")); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "appbur/contract/v1/contract.proto")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), test.old) {
				t.Fatalf("the contract has no %q any more", test.old)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), test.old, test.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			command := exec.Command(buf, "breaking", "--against", "released/v1.binpb")
			command.Dir = dir
			out, err := command.CombinedOutput()
			if (err != nil) != test.breaks {
				t.Errorf("buf breaking: %v\n%s", err, out)
			}
		})
	}
}
