package settings

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ObjectType is a type whose values consist of settings.
type ObjectType[T any] struct{ rows []Row[T] }

// Row is a setting of an object.
type Row[T any] struct {
	name  string
	about About
	// reset sets the default.
	reset func(into *T)
	read  func(r *reader, path string, node *yaml.Node, into *T)
	node  func(value *T) *yaml.Node
	// schema and fields are those of its type; section says that it has settings of its own.
	schema  func() *Schema
	fields  func(path string) []FieldInfo
	info    func() FieldInfo
	section bool
	// unset reports whether the value is none, which no document can say.
	unset func(value *T) bool
}

// Object is a type whose values consist of settings.
func Object[T any](rows ...Row[T]) ObjectType[T] { return ObjectType[T]{rows} }

// Field is a setting. at says where its value goes, standard is what holds without it: the zero value stands for none
// where the type cannot take that.
func Field[T any, F comparable](name string, takes Type[F], at func(*T) *F, standard F, about About) Row[T] {
	row := row(name, takes, at, about)
	row.reset = func(into *T) { *at(into) = standard }

	// A default that the type refuses is no value.
	var zero F
	probe := newReader()
	takes.read(probe, "", takes.node(zero), new(F))
	none := len(probe.faults) > 0
	row.unset = func(value *T) bool { return none && *at(value) == zero }

	row.info = func() FieldInfo {
		info := FieldInfo{Type: takes.word(), Values: takes.values()}
		if !none || standard != zero {
			info.Default = takes.node(standard).Value
		}
		return info.with(about)
	}
	row.schema = func() *Schema {
		s := takes.schema()
		if !none || standard != zero {
			s.Default = plainValue(takes.node(standard))
		}
		return s
	}
	return row
}

// Section is a setting that consists of settings.
func Section[T, F any](name string, takes ObjectType[F], at func(*T) *F, about About) Row[T] {
	row := row(name, takes, at, about)
	row.reset = func(into *T) { *at(into) = takes.Default() }
	row.unset = func(value *T) bool { return len(takes.node(*at(value)).Content) == 0 }
	row.section = true
	return row
}

// Elements is a setting that is a list, empty without it.
func Elements[T, F any](name string, takes Type[[]F], at func(*T) *[]F, about About) Row[T] {
	row := row(name, takes, at, about)
	row.reset = func(into *T) { *at(into) = nil }
	row.unset = func(value *T) bool { return len(*at(value)) == 0 }
	return row
}

func row[T, F any](name string, takes Type[F], at func(*T) *F, about About) Row[T] {
	return Row[T]{
		name: name, about: about,
		read:   func(r *reader, path string, node *yaml.Node, into *T) { takes.read(r, path, node, at(into)) },
		node:   func(value *T) *yaml.Node { return takes.node(*at(value)) },
		schema: takes.schema,
		fields: takes.fields,
		info:   func() FieldInfo { return FieldInfo{Type: takes.word(), Values: takes.values()}.with(about) },
	}
}

// Default is the value of a document in which no setting stands.
func (o ObjectType[T]) Default() T {
	var value T
	for _, row := range o.rows {
		row.reset(&value)
	}
	return value
}

func (o ObjectType[T]) word() string     { return "section" }
func (o ObjectType[T]) values() []string { return nil }

func (o ObjectType[T]) names() []string {
	names := make([]string, 0, len(o.rows))
	for _, row := range o.rows {
		names = append(names, row.name)
	}
	return names
}

// read changes those settings of a value that a node has.
func (o ObjectType[T]) read(r *reader, path string, node *yaml.Node, into *T) {
	switch {
	case r.refusesForm(path, node):
		return
	case node.ShortTag() == "!!null":
		return // a section whose lines are all comments
	case node.Kind != yaml.MappingNode:
		r.fault(node, path, shown(node)+" stands where a mapping of settings is wanted", "the settings here are "+joined(o.names()))
		return
	}

	first := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if r.refusesForm(path, key) {
			continue
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			r.fault(key, path, shown(key)+" stands where the name of a setting is wanted", "the settings here are "+joined(o.names()))
			continue
		}
		if line, twice := first[key.Value]; twice {
			r.fault(key, join(path, shortened(key.Value)), fmt.Sprintf("it is there already, in line %d", line), "put both in one place")
			continue
		}
		first[key.Value] = key.Line
		o.readSetting(r, path, key, value, into)
	}
}

func (o ObjectType[T]) readSetting(r *reader, path string, key, value *yaml.Node, into *T) {
	for _, row := range o.rows {
		if row.name == key.Value {
			row.read(r, join(path, row.name), value, into)
			return
		}
	}
	r.unknown(key, path, o.names())
}

// demand reports the settings that have to be there and are not.
func (o ObjectType[T]) demand(r *reader, path string, node *yaml.Node) {
	if node.Kind != yaml.MappingNode && node.ShortTag() != "!!null" {
		return // it is no object at all, and that was said
	}
	for _, row := range o.rows {
		if row.about.Required && valueOf(node, row.name) == nil {
			r.fault(node, join(path, row.name), "it is missing", "add the line "+row.name+": "+row.about.Example)
		}
	}
}

func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func (o ObjectType[T]) node(value T) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, row := range o.rows {
		if row.unset(&value) {
			continue
		}
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: row.name}
		n.Content = append(n.Content, name, row.node(&value))
	}
	return n
}

func (o ObjectType[T]) schema() *Schema {
	closed := false
	s := &Schema{Type: []string{"object", "null"}, AdditionalProperties: &closed}
	for _, row := range o.rows {
		p := row.schema()
		p.Description = row.description()
		if row.about.Example != "" {
			p.Examples = []any{exampleValue(row.about.Example)}
		}
		s.Properties = append(s.Properties, property{row.name, p})
		if row.about.Required {
			s.Required = append(s.Required, row.name)
		}
	}
	return s
}

// description is what an editor shows.
func (r Row[T]) description() string {
	parts := []string{r.about.Text}
	if r.about.Without != "" {
		parts = append(parts, "Without it: "+r.about.Without+".")
	}
	if r.about.Effect != "" {
		parts = append(parts, "A change takes effect "+string(r.about.Effect)+".")
	}
	return strings.Join(append(parts, "Since "+r.about.Since+"."), " ")
}

func (o ObjectType[T]) fields(path string) []FieldInfo {
	var list []FieldInfo
	for _, row := range o.rows {
		info := row.info()
		info.Path = join(path, row.name)
		list = append(append(list, info), row.fields(info.Path)...)
	}
	return list
}
