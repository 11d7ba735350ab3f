package repository

import (
	"encoding/hex"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// ID is the random id of a repository: 16 hexadecimal digits in lower case.
// It comes with every push, so it can be no path and says nothing of whom to believe;
// what a copy believes is in its [Binding].
type ID string

// idBytes is how many random bytes an id is made of.
const idBytes = 8

func newID(random io.Reader) (ID, error) {
	var id [idBytes]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return ID(hex.EncodeToString(id[:])), nil
}

// ParseID takes the one form that ids have.
func ParseID(text string) (ID, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != idBytes || hex.EncodeToString(raw) != text {
		return "", because(ReasonBadID, fmt.Errorf("%q is no repository id", text))
	}
	return ID(text), nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (id *ID) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a repository id is text", node.Line)
	}
	parsed, err := ParseID(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*id = parsed
	return nil
}
