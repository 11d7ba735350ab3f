package settings

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// TextsOf takes a list of such texts.
func TextsOf(of Type[string]) Type[[]string] { return texts{of: of} }

type texts struct {
	flat
	of Type[string]
}

func (l texts) word() string     { return "list" }
func (l texts) values() []string { return nil }

func (l texts) read(r *reader, path string, node *yaml.Node, into *[]string) {
	elements, ok := r.elements(path, node)
	if !ok {
		return
	}
	var values []string
	for i, element := range elements {
		var value string
		l.of.read(r, fmt.Sprintf("%s[%d]", path, i), element, &value)
		values = append(values, value)
	}
	*into = values
	r.note(node, path)
}

func (l texts) schema() *Schema {
	return &Schema{Type: []string{"array", "null"}, Items: l.of.schema()}
}

func (l texts) node(values []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, value := range values {
		n.Content = append(n.Content, l.of.node(value))
	}
	return n
}
