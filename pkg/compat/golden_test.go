package compat

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/appbur/appbur"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden reads testdata/*.txtar: what goes in, for which target, the verdict,
// and what comes out. It also holds every case to the promises of the package.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runGolden(t, file)
		})
	}
}

func runGolden(t *testing.T, file string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := decodeYAML(t, section(archive, "in.yaml"))
	target := parseTarget(t, archive)
	before := cloneObject(in)

	verdict := Judge(in, target)
	var out []byte
	if converted, err := Convert(in, verdict, target); verdict.Creatable() {
		if err != nil {
			t.Fatalf("Convert: %v", err)
		}
		out = encodeYAML(t, converted)
		holdPromises(t, in, converted, verdict, target)
	} else if err == nil {
		t.Fatalf("Convert made something of an object that is %s", verdict.Kind)
	}
	if diff := cmp.Diff(before, in); diff != "" {
		t.Errorf("the input was modified (-before +after):\n%s", diff)
	}

	got := describe(verdict)
	if *update {
		set(archive, "verdict", []byte(got))
		set(archive, "out.yaml", out)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(section(archive, "verdict"), got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(section(archive, "out.yaml"), string(out)); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// holdPromises checks what the package promises of every conversion.
func holdPromises(t *testing.T, in, converted map[string]any, verdict Verdict, target Target) {
	t.Helper()
	again := Judge(converted, target)
	if again.Kind != Served || len(again.Changes) > 0 {
		t.Errorf("the result is judged %s, want served: %+v", again.Kind, again)
	}
	twice, err := Convert(converted, again, target)
	if err != nil {
		t.Fatalf("converting the result: %v", err)
	}
	if diff := cmp.Diff(converted, twice); diff != "" {
		t.Errorf("converting twice differs (-once +twice):\n%s", diff)
	}
	if verdict.Kind == Served && !reflect.DeepEqual(in, converted) {
		t.Errorf("a served object was changed:\n%s", cmp.Diff(in, converted))
	}
	if got := converted["apiVersion"]; got != verdict.APIVersion {
		t.Errorf("the result has apiVersion %v, the verdict says %s", got, verdict.APIVersion)
	}
}

// parseTarget reads the section "target": "kubernetes: 1.37", and optionally
// "from: 1.21" and lines "serves: Kind.group v1 v1beta1", which make it a
// discovery target. A section crds.yaml adds definitions.
func parseTarget(t *testing.T, archive *txtar.Archive) Target {
	t.Helper()
	var version, from appbur.KubeVersion
	served := map[appbur.GroupKind][]string{}

	for line := range strings.Lines(section(archive, "target")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "kubernetes":
			version = kubeVersion(t, value)
		case "from":
			from = kubeVersion(t, value)
		case "serves":
			fields := strings.Fields(value)
			gk, err := appbur.ParseGroupKind(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			served[gk] = fields[1:]
		default:
			t.Fatalf("target: unknown line %q", line)
		}
	}

	target := TableTarget(version)
	if len(served) > 0 {
		target = NewDiscoveryTarget(version, served)
	}
	if text := section(archive, "crds.yaml"); text != "" {
		target = WithCRDs(target, []map[string]any{decodeYAML(t, text)})
	}
	if !from.IsZero() {
		target = WithSource(target, from)
	}
	return target
}

func kubeVersion(t *testing.T, s string) appbur.KubeVersion {
	t.Helper()
	v, err := appbur.ParseKubeVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func describe(v Verdict) string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(string(v.Kind)+" "+v.APIVersion) + "\n")
	b.WriteString("reason: " + v.Reason + "\n")
	if v.Hint != "" {
		b.WriteString("hint: " + v.Hint + "\n")
	}
	for _, c := range v.Changes {
		what := "change"
		if c.Lost {
			what = "lost"
		}
		b.WriteString(what + ": [" + c.Rule + "] " + c.Path + ": " + c.What + "\n")
	}
	for _, c := range v.Notices {
		b.WriteString("notice: [" + c.Rule + "] " + c.Path + ": " + c.What + "\n")
	}
	return b.String()
}

// decodeYAML reads YAML as the rest of appbur holds objects: integers as int64.
func decodeYAML(t testing.TB, text string) map[string]any {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var obj map[string]any
	if err := kjson.Unmarshal(data, &obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

func encodeYAML(t testing.TB, obj map[string]any) []byte {
	t.Helper()
	data, err := json.Marshal(obj)
	if err != nil {
		t.Fatal(err)
	}
	out, err := yaml.JSONToYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func section(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func set(archive *txtar.Archive, name string, data []byte) {
	for i, f := range archive.Files {
		if f.Name == name {
			archive.Files[i].Data = data
			return
		}
	}
	archive.Files = append(archive.Files, txtar.File{Name: name, Data: data})
}
