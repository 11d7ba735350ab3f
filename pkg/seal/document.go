package seal

import (
	"bytes"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// parseDocument reads one YAML document whose root is a mapping.
func parseDocument(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		// The message of the YAML module may quote a value, so it is not passed on.
		return nil, fmt.Errorf("%w: invalid YAML", ErrFormat)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than one YAML document", ErrFormat)
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: the YAML document is no mapping", ErrFormat)
	}
	dropComments(document.Content[0])
	return document.Content[0], nil
}

// dropComments forgets all comments. In a plain file they may hold what the
// values hold; in a file that sops has edited they are encrypted, and nothing
// authenticates them.
func dropComments(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, child := range n.Content {
		dropComments(child)
	}
}

// encodeDocument writes a mapping as YAML in the style of its nodes, indented by
// two.
func encodeDocument(root *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(root), encoder.Close()); err != nil {
		return nil, fmt.Errorf("encode YAML: %w", err)
	}
	return out.Bytes(), nil
}

// takeMetadata removes the block that SOPS adds from a document and returns it,
// nil if it is absent.
func takeMetadata(mapping *yaml.Node) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == appbur.SealedKey {
			value := mapping.Content[i+1]
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return value
		}
	}
	return nil
}

// leafFunc handles one value; path is that of its keys, without list positions.
// It may change the node.
type leafFunc func(n *yaml.Node, path []string) error

// walkLeaves calls fn for every value in document order, which is the order of
// the message authentication code. Nulls are passed over, as SOPS does.
func walkLeaves(n *yaml.Node, path []string, fn leafFunc) error {
	if n.Anchor != "" {
		return fmt.Errorf("%w: YAML anchor at %s", ErrUnsupported, strings.Join(path, "."))
	}

	switch n.Kind {
	case yaml.MappingNode:
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			// SOPS knows keys that are strings; a merge key is not.
			if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" || key.Anchor != "" {
				return fmt.Errorf("%w: a key below %q is no string", ErrUnsupported, strings.Join(path, "."))
			}
			if seen[key.Value] {
				return fmt.Errorf("%w: the key %q appears twice", ErrFormat, key.Value)
			}
			seen[key.Value] = true
			if err := walkLeaves(n.Content[i+1], append(path[:len(path):len(path)], key.Value), fn); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if err := walkLeaves(item, path, fn); err != nil {
				return err
			}
		}
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case nullTag:
			return nil
		case mergeTag:
			// "<<" means something only as a key. As a value it is text, which the
			// encoder must be configured.
			n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
		}
		if err := fn(n, path); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(path, "."), err)
		}
	default:
		return fmt.Errorf("%w: YAML alias at %s", ErrUnsupported, strings.Join(path, "."))
	}

	return nil
}

// additionalData is what ties an encrypted value to its place.
func additionalData(path []string) string { return strings.Join(path, ":") + ":" }

// contentHash gathers the plain values of a document for the message
// authentication code.
type contentHash struct{ hash.Hash }

func newContentHash() contentHash { return contentHash{sha512.New()} }

// text returns the hash as SOPS encrypts it.
func (h contentHash) text() string { return fmt.Sprintf("%X", h.Sum(nil)) }
