package repository

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

func encodeDocument(document *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("writing %s: %w", appbur.RepositoryFile, err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("writing %s: %w", appbur.RepositoryFile, err)
	}
	return b.Bytes(), nil
}

func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// setValue replaces a value whose content differs; a value that is equal keeps
// its comments and its form.
func setValue(mapping *yaml.Node, key string, value *yaml.Node) {
	if value == nil {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			if old := mapping.Content[i+1]; !sameValue(old, value) {
				keepElements(old, value)
				mapping.Content[i+1] = value
			}
			return
		}
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

// keepElements puts the elements of the old list that are in the new one there, with
// their comments.
func keepElements(old, value *yaml.Node) {
	if old.Kind != yaml.SequenceNode || value.Kind != yaml.SequenceNode {
		return
	}
	for i, element := range value.Content {
		for _, kept := range old.Content {
			if sameValue(kept, element) {
				value.Content[i] = kept
			}
		}
	}
}

func sameValue(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !sameValue(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

func removeValue(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i:i], mapping.Content[i+2:]...)
			return
		}
	}
}
