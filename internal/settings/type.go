package settings

import "go.yaml.in/yaml/v3"

// Type is a kind of values: how one is read, what a schema says of it, and how one is written.
type Type[T any] interface {
	// read sets into to what a node says; what is wrong with it goes to the reader, and into stays.
	read(r *reader, path string, node *yaml.Node, into *T)
	schema() *Schema
	// node is a value as it stands in a document.
	node(value T) *yaml.Node
	// word is what explanations call the type.
	word() string
	// values are all that there are, nil where they are many.
	values() []string
	// fields are the settings that a value consists of, nil for one that has none.
	fields(path string) []FieldInfo
}

// given is the tag of a value that comes as text from elsewhere, and is read as whatever its setting takes.
const given = "!given"

// flat is what types whose values have no settings have in common.
type flat struct{}

func (flat) fields(string) []FieldInfo { return nil }
