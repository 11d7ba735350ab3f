package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The chart in the tree is the one that is made of the manifests: `make generate` writes it.
func TestChartIsGenerated(t *testing.T) {
	const chart = "../../deploy/chart"
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(chart, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what is generated\n%s", name, diff)
		}
	}

	there, err := filepath.Glob(filepath.Join(chart, "templates", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range there {
		name := "templates/" + filepath.Base(file)
		if _, made := files[name]; !made {
			t.Errorf("nothing makes %s any more", name)
		}
	}
}

// What a component adds to a map or a list, or changes in it, is behind its condition.
func TestComponentsAreConditions(t *testing.T) {
	base := map[string]any{
		"kind": "Thing", "same": int64(1), "changed": "a", "gone": true, "text": "{{ $labels.job }}", "empty": map[string]any{},
		"list": []any{map[string]any{"name": "one", "of": "a"}},
	}
	with := map[string]any{
		"kind": "Thing", "same": int64(1), "changed": "b", "more": map[string]any{"x": "1"}, "text": "{{ $labels.job }}",
		"empty": map[string]any{},
		"list":  []any{map[string]any{"name": "one", "of": "b"}, "two"},
	}
	e := emitter{kind: "Thing"}
	if err := e.document(&object{kind: "Thing", base: base, variants: []variant{{".Values.on", with}}}); err != nil {
		t.Fatal(err)
	}
	want := `kind: Thing
changed: {{ if .Values.on }}b{{ else }}a{{ end }}
empty: {}
{{- if not (.Values.on) }}
gone: true
{{- end }}
list:
  - name: one
    of: {{ if .Values.on }}b{{ else }}a{{ end }}
  {{- if .Values.on }}
  - two
  {{- end }}
{{- if .Values.on }}
more:
  x: "1"
{{- end }}
same: 1
text: '{{ "{{" }} $labels.job }}'
`
	if diff := cmp.Diff(want, e.text.String()); diff != "" {
		t.Error(diff)
	}

	shorter := map[string]any{"kind": "Thing", "list": []any{}}
	if err := new(emitter).document(&object{base: base, variants: []variant{{".Values.on", shorter}}}); err == nil {
		t.Error("a component that takes an element away is not noticed")
	}
}
