package schema_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/compat/schema"
	"github.com/appbur/appbur/pkg/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	v124 = appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
	v137 = appbur.KubeVersion{Major: 1, Minor: 37, Patch: 1}
)

// TestGolden reads testdata/*.txtar: a definition, objects of its kind, and what the
// schema says to each. Real servers are compared with it in pkg/restore
// (TestRestoreOnARealCluster, TestOddObjectsOnAnOldServer).
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, file := range cases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			crd, objects := read(t, archive)
			got := opinions(t, crd, objects, v137)
			if old := opinions(t, crd, objects, v124); old != got {
				got += "on 1.24:\n" + old
			}

			if *update {
				archive.Files = append(archive.Files[:1+len(objects)], txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[len(archive.Files)-1].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func cases(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d golden files (%v)", len(files), err)
	}
	return files
}

// read decodes the definition and the objects of a case.
func read(t testing.TB, archive *txtar.Archive) (crd map[string]any, objects []map[string]any) {
	t.Helper()
	for _, file := range archive.Files {
		if !strings.HasSuffix(file.Name, ".yaml") {
			continue
		}
		object, err := manifest.Decode(file.Data)
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if file.Name == "crd.yaml" {
			crd = object
		} else {
			objects = append(objects, object)
		}
	}
	return crd, objects
}

// opinions says what becomes of each object, a line for each objection.
func opinions(t *testing.T, crd map[string]any, objects []map[string]any, target appbur.KubeVersion) string {
	t.Helper()
	schemas := schema.New([]map[string]any{crd}, target)
	var b strings.Builder

	for _, object := range objects {
		before := clone(t, object)
		opinion := schemas.Check(object)
		if diff := cmp.Diff(before, object); diff != "" {
			t.Errorf("the object was modified (-before +after):\n%s", diff)
		}
		name := object["metadata"].(map[string]any)["name"]
		switch {
		case opinion.Unchecked != "":
			fmt.Fprintf(&b, "%s unchecked: %s\n", name, opinion.Unchecked)
		case !opinion.Known:
			fmt.Fprintf(&b, "%s unknown\n", name)
		case len(opinion.Object)+len(opinion.Status) == 0:
			fmt.Fprintf(&b, "%s taken\n", name)
		}
		for _, r := range opinion.Object {
			fmt.Fprintf(&b, "%s refused: %s\n", name, r)
		}
		for _, r := range opinion.Status {
			fmt.Fprintf(&b, "%s status refused: %s\n", name, r)
		}
	}

	return b.String()
}

func clone(t testing.TB, object map[string]any) map[string]any {
	t.Helper()
	data, err := manifest.Encode(object)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := manifest.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// definition is a CRD with one version of the schema, written as YAML.
func definition(t testing.TB, openAPI string) map[string]any {
	t.Helper()
	var decoded map[string]any
	if err := yaml.Unmarshal([]byte(openAPI), &decoded); err != nil {
		t.Fatal(err)
	}
	return defining(decoded)
}

func defining(openAPI any) map[string]any {
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"spec": map[string]any{
			"group": "example.org", "names": map[string]any{"kind": "Valve"},
			"versions": []any{map[string]any{"name": "v1", "schema": map[string]any{"openAPIV3Schema": openAPI}}},
		},
	}
}

func valve(fields map[string]any) map[string]any {
	object := map[string]any{"apiVersion": "example.org/v1", "kind": "Valve", "metadata": map[string]any{"name": "v"}}
	maps.Copy(object, fields)
	return object
}

// TestUnchecked shows what is said of schemas and objects that cannot, or should not,
// be judged: never nothing at all, and never that the object is refused.
func TestUnchecked(t *testing.T) {
	t.Parallel()
	nested := func(levels int, key string) any {
		var value any = map[string]any{"type": "object"}
		for range levels {
			value = map[string]any{"type": "object", "properties": map[string]any{key: value}}
		}
		return value
	}
	deep := func(levels int) any {
		var value any = "bottom"
		for range levels {
			value = map[string]any{"a": value}
		}
		return value
	}
	wide := func(n int) []any { return make([]any, n) }
	alternatives := make([]any, 2000)
	for i := range alternatives {
		alternatives[i] = map[string]any{"required": []any{fmt.Sprint(i)}}
	}
	open := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}

	for _, test := range []struct {
		name   string
		schema any
		object map[string]any
		want   string
	}{
		{"a schema too deep", nested(5000, "a"), valve(nil), "nested too deeply"},
		{"an object too deep", open, valve(map[string]any{"spec": deep(5000)}), "nested too deeply"},
		{
			"too many checks",
			map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true, "anyOf": alternatives},
			valve(map[string]any{"spec": wide(100_000)}), "too large to be checked",
		},
		{"too many rules", map[string]any{"type": "object", "x-kubernetes-validations": wide(5000)}, valve(nil), "5000 rules"},
		{
			"not structural",
			map[string]any{"type": "object", "properties": map[string]any{"spec": map[string]any{"$ref": "#"}}},
			valve(nil),
			"not structural",
		},
		{"no schema at all", map[string]any{"type": map[string]any{}}, valve(nil), "cannot be used"},
		{"a sealed object", open, valve(map[string]any{"sops": map[string]any{}}), "sealed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			schemas := schema.New([]map[string]any{defining(test.schema)}, v137)
			opinion := schemas.Check(test.object)
			if opinion.Known || len(opinion.Object) > 0 || !strings.Contains(opinion.Unchecked, test.want) {
				t.Errorf("known %t, %d refusals, unchecked: %q; want %q", opinion.Known, len(opinion.Object), opinion.Unchecked, test.want)
			}
		})
	}
}

// TestRuleOfALaterRelease shows that a rule which does not compile here refuses nothing.
func TestRuleOfALaterRelease(t *testing.T) {
	t.Parallel()
	schemas := schema.New([]map[string]any{definition(t,
		`{type: object, x-kubernetes-validations: [{rule: "self.metadata.name.ofTheFuture()"}]}`)}, v137)
	if opinion := schemas.Check(valve(nil)); !opinion.Known || len(opinion.Object) > 0 {
		t.Errorf("%+v", opinion)
	}
}

// TestLongMessages shows that an objection does not quote the complete object.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	schemas := schema.New([]map[string]any{definition(t,
		`{type: object, properties: {spec: {type: string, maxLength: 3, pattern: "^a$"}, data: {type: string}}}`)}, v137)
	opinion := schemas.Check(valve(map[string]any{
		"spec": strings.Repeat("é", 100_000),
		"data": map[string]any{"key": strings.Repeat("x", 100_000)},
	}))
	if len(opinion.Object) == 0 {
		t.Fatal("nothing refused")
	}
	for _, r := range opinion.Object {
		if len(r.What) > 400 {
			t.Errorf("%s: %d bytes", r.Path, len(r.What))
		}
	}
}

var _ compat.Schemas = (*schema.Schemas)(nil)
