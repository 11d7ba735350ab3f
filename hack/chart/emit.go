package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// emitter writes one template: the YAML of an object, with settings of the chart in the place of values, and what
// only some components have behind conditions.
type emitter struct {
	kind string
	text strings.Builder
}

// place is where a value is: its keys from the outermost one, with * for an index.
type place []string

func (p place) String() string { return strings.Join(p, ".") }

func (p place) in(key string) place { return append(slices.Clip(p), key) }

// document writes an object, which may be there on a condition only.
func (e *emitter) document(o *object) error {
	when := conditions[o.kind]
	var value any = o.base
	variants := o.variants
	if o.base == nil {
		if len(variants) != 1 {
			return fmt.Errorf("%d components add the same object", len(variants))
		}
		when, value, variants = variants[0].when, variants[0].value, nil
	}
	if when != "" {
		e.line(0, "{{- if %s }}", when)
	}
	if err := e.mapping(0, nil, value, differing(value, variants)); err != nil {
		return err
	}
	if when != "" {
		e.line(0, "{{- end }}")
	}
	return nil
}

func (e *emitter) line(indent int, format string, args ...any) {
	e.text.WriteString(strings.Repeat(" ", indent) + fmt.Sprintf(format, args...) + "\n")
}

// differing leaves out the variants that change nothing.
func differing(value any, variants []variant) []variant {
	return slices.DeleteFunc(slices.Clone(variants), func(v variant) bool { return reflect.DeepEqual(v.value, value) })
}

// mapping writes the keys of a map, and what components and settings add to them.
func (e *emitter) mapping(indent int, at place, value any, variants []variant) error {
	base, _ := value.(map[string]any)
	keys := maps.Clone(base)
	if keys == nil {
		keys = make(map[string]any)
	}
	for _, v := range variants {
		m, ok := v.value.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no map with %s", at, v.when)
		}
		maps.Copy(keys, m)
	}

	for _, key := range sorted(keys) {
		inBase, has := base[key]
		var with []variant
		var without []string
		for _, v := range variants {
			if value, has := v.value.(map[string]any)[key]; has {
				with = append(with, variant{v.when, value})
			} else {
				without = append(without, v.when)
			}
		}
		if err := e.entry(indent, at.in(key), inBase, has, with, without); err != nil {
			return err
		}
	}
	for _, text := range added[e.kind+" "+at.String()] {
		e.line(indent, "%s", text)
	}
	return nil
}

// entry writes one key of a map, which the base may lack, and of which some components may be rid.
func (e *emitter) entry(indent int, at place, value any, has bool, with []variant, without []string) error {
	key := at[len(at)-1]
	if !has {
		for _, v := range with {
			e.line(indent, "{{- if %s }}", v.when)
			if err := e.field(indent, key, at, v.value, nil); err != nil {
				return err
			}
			e.line(indent, "{{- end }}")
		}
		return nil
	}
	for _, when := range without {
		e.line(indent, "{{- if not (%s) }}", when)
	}
	if err := e.field(indent, key, at, value, differing(value, with)); err != nil {
		return err
	}
	for range without {
		e.line(indent, "{{- end }}")
	}
	return nil
}

// field writes "key: value".
func (e *emitter) field(indent int, key string, at place, value any, variants []variant) error {
	name := scalar(key)
	if text, set := settingOf(e.kind, at, value); set {
		e.line(indent, "%s: %s", name, text)
		return nil
	}
	if setting, set := wholes[e.kind+" "+at.String()]; set {
		e.line(indent, "%s:", name)
		e.line(indent+2, "{{- toYaml .Values.%s | nindent %d }}", setting, indent+2)
		return nil
	}
	if setting, set := texts[e.kind+" "+at.String()]; set {
		e.line(indent, "%s: |", name)
		e.line(indent+2, "{{- toYaml .Values.%s | nindent %d }}", setting, indent+2)
		return nil
	}

	setting, replaced := instead[e.kind+" "+at.String()]
	if replaced {
		e.line(indent, "{{- if .Values.%s }}", setting)
		e.line(indent, "%s:", name)
		e.line(indent+2, "{{- toYaml .Values.%s | nindent %d }}", setting, indent+2)
		e.line(indent, "{{- else }}")
	}
	if err := e.plain(indent, name, at, value, variants); err != nil {
		return err
	}
	if replaced {
		e.line(indent, "{{- end }}")
	}
	return nil
}

// plain writes a field that no setting stands for as a whole.
func (e *emitter) plain(indent int, name string, at place, value any, variants []variant) error {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 && len(variants) == 0 {
			e.line(indent, "%s: {}", name)
			return nil
		}
		e.line(indent, "%s:", name)
		return e.mapping(indent+2, at, v, variants)
	case []any:
		e.line(indent, "%s:", name)
		return e.list(indent+2, at, v, variants)
	case string:
		if strings.Contains(v, "\n") {
			return e.block(indent, name, v, variants)
		}
	}
	e.line(indent, "%s: %s", name, choice(value, variants))
	return nil
}

// block writes a text of several lines as it is.
func (e *emitter) block(indent int, name, text string, variants []variant) error {
	if len(variants) > 0 {
		return fmt.Errorf("%s differs in components", name)
	}
	chomp := "-"
	if strings.HasSuffix(text, "\n") {
		chomp = ""
	}
	e.line(indent, "%s: |%s", name, chomp)
	for line := range strings.Lines(strings.TrimSuffix(text, "\n")) {
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			e.text.WriteString("\n")
			continue
		}
		e.line(indent+2, "%s", escape(line))
	}
	return nil
}

// list writes the elements of a list, and then what components and settings append.
func (e *emitter) list(indent int, at place, value []any, variants []variant) error {
	within := at.in("*")
	for i, element := range value {
		var differ []variant
		for _, v := range variants {
			longer, ok := v.value.([]any)
			if !ok || len(longer) < len(value) {
				return fmt.Errorf("%s is shorter with %s", at, v.when)
			}
			differ = append(differ, variant{v.when, longer[i]})
		}
		if err := e.element(indent, within, element, differing(element, differ)); err != nil {
			return err
		}
	}

	for _, v := range variants {
		more, _ := v.value.([]any)
		if len(more) == len(value) {
			continue
		}
		e.line(indent, "{{- if %s }}", v.when)
		for _, element := range more[len(value):] {
			if err := e.element(indent, within, element, nil); err != nil {
				return err
			}
		}
		e.line(indent, "{{- end }}")
	}
	for _, text := range added[e.kind+" "+at.String()] {
		e.line(indent, "%s", text)
	}
	return nil
}

// element writes "- value". The first key of a map follows the dash.
func (e *emitter) element(indent int, at place, value any, variants []variant) error {
	m, isMap := value.(map[string]any)
	if !isMap {
		if text, set := settingOf(e.kind, at, value); set {
			e.line(indent, "- %s", text)
			return nil
		}
		e.line(indent, "- %s", choice(value, variants))
		return nil
	}
	inner := emitter{kind: e.kind}
	if err := inner.mapping(indent+2, at, m, variants); err != nil {
		return err
	}
	text := strings.TrimLeft(inner.text.String(), " ")
	if strings.HasPrefix(text, "{{-") {
		return fmt.Errorf("%s begins with a condition", at)
	}
	e.text.WriteString(strings.Repeat(" ", indent) + "- " + text)
	return nil
}

// choice writes a value that components may change.
func choice(value any, variants []variant) string {
	text := scalar(value)
	for _, v := range slices.Backward(variants) {
		text = fmt.Sprintf("{{ if %s }}%s{{ else }}%s{{ end }}", v.when, scalar(v.value), text)
	}
	return text
}

// scalar writes a value that is no map and no list with anything in it.
func scalar(value any) string {
	if text, isText := value.(string); isText {
		data, err := yaml.Marshal(text)
		if err == nil && strings.Count(string(data), "\n") == 1 {
			return escape(strings.TrimSuffix(string(data), "\n"))
		}
	}
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // it was read as YAML
	}
	return escape(string(data))
}

// escape keeps Helm from taking what is there for its own.
func escape(text string) string { return strings.ReplaceAll(text, "{{", `{{ "{{" }}`) }

// first are the keys that people look for first.
var first = []string{"apiVersion", "kind", "metadata", "name", "namespace"}

func sorted(keys map[string]any) []string {
	rank := func(key string) int {
		if i := slices.Index(first, key); i >= 0 {
			return i
		}
		return len(first)
	}
	return slices.SortedFunc(maps.Keys(keys), func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}
