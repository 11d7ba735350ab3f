package settings

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fields are all settings of the table, each section before its own.
func (o ObjectType[T]) Fields() []FieldInfo { return o.fields("") }

// Schema is what a document has to be.
func (o ObjectType[T]) Schema(id, title string) *Schema {
	s := o.schema()
	s.Draft, s.ID, s.Title = Draft, id, title
	if len(s.Required) > 0 {
		s.Type = "object"
	}
	return s
}

// Write returns a document that says everything of a value, its defaults included.
func (o ObjectType[T]) Write(value T) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(o.node(value)); err != nil {
		return nil, fmt.Errorf("writing the settings: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("writing the settings: %w", err)
	}
	return b.Bytes(), nil
}

// Text is the value of a setting as it would stand in a document, "" for none.
func (o ObjectType[T]) Text(value T, path string) string {
	node := o.node(value)
	for name := range strings.SplitSeq(path, ".") {
		if node = valueOf(node, name); node == nil {
			return ""
		}
	}
	return textOf(node)
}

// Changed are the settings in which two values differ, with both as texts, "" for none. Of a list it is the whole.
func (o ObjectType[T]) Changed(before, after T) []Change {
	return changed("", o.node(before), o.node(after), nil)
}

// Change is a setting that has another value.
type Change struct{ Path, Before, After string }

func changed(path string, before, after *yaml.Node, list []Change) []Change {
	if before.Kind != yaml.MappingNode || after.Kind != yaml.MappingNode {
		if a, b := textOf(before), textOf(after); a != b {
			list = append(list, Change{path, a, b})
		}
		return list
	}

	none := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	seen := map[string]bool{}
	for _, mapping := range []*yaml.Node{before, after} {
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			name := mapping.Content[i].Value
			if seen[name] {
				continue
			}
			seen[name] = true
			a, b := valueOf(before, name), valueOf(after, name)
			if a == nil {
				a = emptyLike(b, none)
			}
			if b == nil {
				b = emptyLike(a, none)
			}
			list = changed(join(path, name), a, b, list)
		}
	}
	return list
}

// emptyLike stands for what is missing: a section without settings, or nothing.
func emptyLike(other, none *yaml.Node) *yaml.Node {
	if other.Kind == yaml.MappingNode {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	return none
}

// textOf is a value in one line.
func textOf(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode {
		return node.Value
	}
	flow := *node
	flow.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(&flow)
	if err != nil {
		return "" // nodes of a table are what the library writes
	}
	return string(bytes.TrimSpace(text))
}

// plainValue is a value in the terms of JSON.
func plainValue(node *yaml.Node) any {
	var value any
	if err := node.Decode(&value); err != nil {
		return node.Value
	}
	return value
}

// exampleValue is an example in the terms of JSON.
func exampleValue(text string) any {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return text
	}
	return value
}
