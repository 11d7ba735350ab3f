package manifest

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

// plainSeeds are documents of this part of YAML, and some that only look like it.
var plainSeeds = []string{
	"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a # comment\n  labels: {}\n  annotations:\n    example.org/x: \"1\"\ndata:\n  t: |\n    one\n\n      two\n  u: |-\n    x\n",
	"a:\n- b: 1\n  c:\n  - d\n  - e: f\n-\n  g: -7\n- \"x\"\n- 'y'\n- [a, \"b\", {c: d}, []]\nb: {a: b, c: [1, 2]}\n",
	"a: 500m\nb: 128Mi\nc: 1.2.3\nd: 10.0.0.1\ne: 0\nf: 0777\ng: 1e3\nh: 0x1F\ni: 2026-01-01\nj: 1_000\nk: 12345678901234567890\nl: .5\nm: -x\nn: --y\no: +1\np: -0\nq: 1:30",
	"a: yes\n", "a: No\n", "y: 1\n", "a: ~\n", "a: null\nb: Null\n", "a: true\nb: True\n", "a: .inf\nb: .nan\nc: -.5\n",
	"on: 1\n",
	"a: b\n  c\n", "a: 'b\n  c'\n", "a: b: c\n", "a: b:\n", "a: b #c\n", "a: b#c\n", "a:b\n", "a: 1\na: 2\n", "- a\n",
	"a\n", "",
	"a: |\n  x\n y\n", "a: |\n\n  x\n", "a: |\n    \n  x\n", "a: |2\n  x\n", "a: >\n  x\n  y\n", "a: |\n  x\n\n\nb: |\n",
	"a: |-\n  x\n\n", "a: |\n# x\n",
	"a: &x b\nc: *x\n", "a: !!str 1\n", "<<: {a: b}\n", "? a\n: b\n", "a: [b\n", "a: {b\n", "a: [a,\n  b]\n",
	"a: {a: b}c\n", "a: \"b\" c\n", "a: \"b\"#c\n",
	"---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "a:\n b: c\n  d: e\n", "a:\n  b: c\n d: e\n", "  a: b\n",
	"a:\n\n  # c\n  - b\n#\n  - c\n",
	"a:\n- - b\n", "a:\n-  b: c\n   d: e\n", "a: -\n", "a: - b\n", "a:\n  -\n  - \n", "a: \"x\\ny\"\n", "a: 'it''s'\n",
	"a: ''\n", "a: [ ]\nb: { }\n",
	"a: [a, ]\n", "a: [,]\n", "a: {a}\n", "a: {a: }\n", "a: [-1, - 1]\n", "a: [a:b]\n", "a: [a: b]\n", "a: =\n",
	"a: b\n# c\n\nd: e # f\n",
	"metadata:\n  name: x\nspec:\n  a: 1\n\n  b: 2\n", "a.b/c-d_e: f\n", "a: b  \nc:  d\n", "a:   # c\n  b: d\n", "a: @x\n",
	"a: `x`\n", "a: %x\n",
}

func comparePlain(t *testing.T, data []byte) (plain bool) {
	t.Helper()
	got, ok := plainYAML(data)
	if !ok {
		return false
	}
	want, err := decodeYAML(data)
	if err != nil {
		t.Fatalf("%q: read as %v, the library says %v", data, got, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\n%#v, the library reads\n%#v", data, got, want)
	}
	return true
}

// Whatever is read as plain YAML is what the library reads.
func TestPlainYAML(t *testing.T) {
	plain := 0
	for _, seed := range plainSeeds {
		if comparePlain(t, []byte(seed)) {
			plain++
		}
	}
	if plain < 15 {
		t.Errorf("%d of %d seeds are plain: the reader gives up on nearly everything", plain, len(plainSeeds))
	}
	for _, seed := range plainSeeds[:2] {
		if !comparePlain(t, []byte(seed)) {
			t.Errorf("not plain: %q", seed)
		}
	}
}

func FuzzPlainYAML(f *testing.F) {
	for _, seed := range plainSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { comparePlain(t, data) })
}

// What this package writes is read the short way.
func TestManifestsArePlain(t *testing.T) {
	object := map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "a", "labels": map[string]any{"app.kubernetes.io/name": "b"}},
		"data":     map[string]any{"text": "one\ntwo\n", "number": "1", "bool": "true", "empty": ""},
		"list":     []any{map[string]any{"a": int64(1), "b": []any{"x"}}, map[string]any{}},
	}
	data, err := Encode(object)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := plainYAML(data)
	if !ok || !reflect.DeepEqual(got, object) {
		t.Errorf("%v %v of\n%s", ok, got, data)
	}
}

func BenchmarkDecode(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: team-a\n" +
		"spec:\n  template:\n    spec:\n      containers:\n")
	for i := range 5 {
		fmt.Fprintf(&text, "      - name: c%d\n        image: registry.example.org/web:1.2.3\n        args: [\"--listen\", \":8080\"]\n"+
			"        resources:\n          limits:\n            cpu: 500m\n            memory: 128Mi\n", i)
	}
	for name, decode := range map[string]func([]byte) (map[string]any, error){"plain": Decode, "library": decodeYAML} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decode(text.Bytes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
