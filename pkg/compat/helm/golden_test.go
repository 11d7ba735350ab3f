package helm

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden reads testdata/*.txtar. The section release.json is what Helm would
// marshal, but for manifest and hooks, which are the sections manifest.yaml and
// hook-*.yaml, for the sake of readers. The first line of the comment is the kind
// of the record and the target's release. Out come the summary, the error and the
// verdicts.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}

	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			obj, target := goldenRecord(t, archive)
			r, ok, err := Read(obj)
			if !ok {
				t.Fatal("Read says that it is no record")
			}
			got := describe(t, r, err, Judge(r, target))
			if *update {
				archive.Files = append(archive.Files[:len(archive.Files)-1], txtar.File{Name: "read", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if last := archive.Files[len(archive.Files)-1]; last.Name != "read" {
				t.Fatalf("the last section is %s, want read", last.Name)
			} else if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

func goldenRecord(t *testing.T, archive *txtar.Archive) (map[string]any, compat.Target) {
	t.Helper()
	var kind, version string
	if _, err := fmt.Sscanf(string(archive.Comment), "%s for Kubernetes %s", &kind, &version); err != nil {
		t.Fatalf("the comment is %q: %v", archive.Comment, err)
	}
	release := map[string]any{}
	var hooks []any

	for _, file := range archive.Files {
		switch {
		case file.Name == "release.json":
			if err := json.Unmarshal(file.Data, &release); err != nil {
				t.Fatal(err)
			}
		case file.Name == "manifest.yaml":
			release["manifest"] = string(file.Data)
		case strings.HasPrefix(file.Name, "hook-"):
			hooks = append(hooks, map[string]any{"name": file.Name, "events": []any{"pre-upgrade"}, "manifest": string(file.Data)})
		}
	}

	if hooks != nil {
		release["hooks"] = hooks
	}
	plain, err := json.Marshal(release)
	if err != nil {
		t.Fatal(err)
	}
	record := secretRecord
	if kind == "ConfigMap" {
		record = configMapRecord
	}
	name, _ := release["name"].(string)
	return record("records", name, 3, "deployed", encode(t, plain)), compat.TableTarget(kubeVersion(t, version))
}

func describe(t *testing.T, r Release, err error, verdicts []ObjectVerdict) string {
	t.Helper()
	summary, jsonErr := json.MarshalIndent(r.Summary(), "", "  ")
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nrecord: %s\n", summary, r.Record())
	if err != nil {
		fmt.Fprintf(&b, "error: %v\nhint: %s\n", err, appbur.HintOf(err))
	}

	for _, v := range verdicts {
		fmt.Fprintf(&b, "%s %s/%s: as written %s, %s %s", v.Object.APIVersion, v.Object.Kind, v.Object.Name, v.AsWritten, v.Verdict.Kind,
			v.Verdict.APIVersion)
		if v.Hook {
			b.WriteString(", hook")
		}
		b.WriteString("\n")
	}

	return b.String()
}
