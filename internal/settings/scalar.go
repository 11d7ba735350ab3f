package settings

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur/internal/nearword"
)

// scalar is a type whose values are one word or number.
type scalar[T any] struct {
	flat
	// name is the word for it, wants says what it takes and shows how that looks.
	name, wants string
	// tags are what YAML calls such values.
	tags []string
	// parse reads a value; its error says what is wrong with the text.
	parse func(text string) (T, error)
	print func(T) string
	// shape is its schema.
	shape Schema
	list  []string
}

func (s scalar[T]) word() string     { return s.name }
func (s scalar[T]) values() []string { return s.list }

func (s scalar[T]) schema() *Schema {
	shape := s.shape
	return &shape
}

func (s scalar[T]) read(r *reader, path string, node *yaml.Node, into *T) {
	switch {
	case r.refusesForm(path, node):
		return
	case node.Kind != yaml.ScalarNode || node.Tag != given && !slices.Contains(s.tags, node.ShortTag()):
		r.fault(node, path, shown(node)+" stands where "+s.wants+" is wanted", s.hint(node))
		return
	}

	value, err := s.parse(node.Value)
	if err != nil {
		r.fault(node, path, err.Error(), s.hint(node))
		return
	}
	*into = value
	r.note(node, path)
}

// hint says what to write instead.
func (s scalar[T]) hint(node *yaml.Node) string {
	switch {
	case node.ShortTag() == "!!null":
		return "write a value, or take the line out"
	case s.tags[0] == "!!str" && node.Kind == yaml.ScalarNode && s.fits(node.Value):
		return fmt.Sprintf("put it in quotes: %q", node.Value)
	case s.tags[0] != "!!str" && node.ShortTag() == "!!str" && node.Tag != given && s.fits(node.Value):
		return "take the quotes off: " + node.Value
	}
	if near := nearword.Of(node.Value, s.list); near != "" {
		return "did you mean " + near + "?"
	}
	return "write " + s.wants
}

func (s scalar[T]) fits(text string) bool {
	_, err := s.parse(text)
	return err == nil
}

func (s scalar[T]) node(value T) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: s.tags[0], Value: s.print(value)}
	if n.Tag == "!!str" {
		n.SetString(n.Value)
	}
	return n
}

// shown is how a fault calls what stands somewhere.
func shown(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.ShortTag() == "!!null":
		return "nothing"
	default:
		return "`" + shortened(node.Value) + "`"
	}
}

// longestShown is how much of a value a fault quotes.
const longestShown = 60

func shortened(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "�")
	if runes := []rune(text); len(runes) > longestShown {
		return string(runes[:longestShown]) + "…"
	}
	return text
}
