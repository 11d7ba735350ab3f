package settings

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// ListOf takes a list of such objects. Those that have equal names cannot be told apart, so name says what an object is
// called, and two that are called the same are a fault; a nil name allows it.
func ListOf[T any](of ObjectType[T], name func(T) string) Type[[]T] { return list[T]{of, name} }

type list[T any] struct {
	of   ObjectType[T]
	name func(T) string
}

func (l list[T]) word() string     { return "list" }
func (l list[T]) values() []string { return nil }

func (l list[T]) fields(path string) []FieldInfo { return l.of.fields(path) }

func (l list[T]) read(r *reader, path string, node *yaml.Node, into *[]T) {
	if node.Tag == given {
		if node = givenList(r, path, node); node == nil {
			return
		}
	}
	elements, ok := r.elements(path, node)
	if !ok {
		return
	}

	var values []T
	first := map[string]int{}
	for i, element := range elements {
		value := l.of.Default()
		place, before := fmt.Sprintf("%s[%d]", path, i), len(r.faults)
		l.of.read(r, place, element, &value)
		l.of.demand(r, place, element)
		values = append(values, value)
		if l.name == nil || len(r.faults) > before {
			continue
		}
		if line, twice := first[l.name(value)]; twice {
			r.fault(element, place, fmt.Sprintf("the element in line %d has the same name, %s", line, l.name(value)), "give it another name")
		}
		first[l.name(value)] = element.Line
	}
	*into = values
	r.note(node, path)
}

// elements are those of a list, none for null, and false if it is no list.
func (r *reader) elements(path string, node *yaml.Node) ([]*yaml.Node, bool) {
	switch {
	case r.refusesForm(path, node):
		return nil, false
	case node.ShortTag() == "!!null":
		return nil, true
	case node.Kind != yaml.SequenceNode:
		r.fault(node, path, shown(node)+" stands where a list is wanted", "begin each element with a dash")
		return nil, false
	}
	return node.Content, true
}

// givenList reads the text of a list that comes from elsewhere, which stands for it as in a document.
func givenList(r *reader, path string, node *yaml.Node) *yaml.Node {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(node.Value), &document); err != nil || len(document.Content) == 0 {
		r.fault(node, path, shown(node)+" stands where a list is wanted", "write [{…}, {…}]")
		return nil
	}
	return document.Content[0]
}

func (l list[T]) schema() *Schema {
	element := l.of.schema()
	if len(element.Required) > 0 {
		element.Type = "object" // nothing lacks what has to be there
	}
	return &Schema{Type: []string{"array", "null"}, Items: element}
}

func (l list[T]) node(values []T) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, value := range values {
		n.Content = append(n.Content, l.of.node(value))
	}
	return n
}
