package seal

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// contentOf is what a node means, once [walkLeaves] has found nothing in it that SOPS does not
// know. A quoted or decrypted text is never a number or a boolean, whatever it looks like.
func contentOf(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		content := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			value, err := contentOf(n.Content[i+1])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			content[key] = value
		}
		return content, nil
	case yaml.SequenceNode:
		content := make([]any, len(n.Content))
		for i, item := range n.Content {
			value, err := contentOf(item)
			if err != nil {
				return nil, err
			}
			content[i] = value
		}
		return content, nil
	default:
		return scalarOf(n)
	}
}

// scalarOf is the value of a scalar, of the types of JSON.
func scalarOf(n *yaml.Node) (any, error) {
	if n.ShortTag() == nullTag {
		return nil, nil
	}
	kind, data, err := leafBytes(n)
	if err != nil {
		return nil, err
	}

	text := string(data)
	switch kind {
	case typeBool:
		return text == "True", nil
	case typeInt, typeFloat:
		return numberOf(text)
	case typeTime:
		return n.Value, nil
	default:
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%w: a text is not UTF-8", ErrUnsupported)
		}
		return text, nil
	}
}

// numberOf reads a number as Kubernetes does: one without a fraction is an int64 where it fits.
func numberOf(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("%w: a number that JSON does not have", ErrUnsupported)
	}
	return f, nil
}
