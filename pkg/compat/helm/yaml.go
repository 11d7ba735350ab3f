package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

const (
	// maxDocument bounds one document. API servers refuse objects of more than 3 MiB.
	maxDocument = 4 << 20
	// maxExpanded bounds a document with its aliases written out.
	maxExpanded = 4 * maxDocument
)

// Why a document cannot be read. The errors of YAML readers are not passed on,
// because they quote the text.
var (
	errDocumentTooLarge = errors.New("is larger than 4 MiB")
	errAliases          = errors.New("has aliases that are circular or expand beyond 16 MiB")
	errSyntax           = errors.New("is no YAML")
)

// decode reads one document as Helm does: through JSON, YAML 1.1, with repeated
// keys allowed. Integers become int64, others float64.
func decode(text string) (any, error) {
	if len(text) > maxDocument {
		return nil, errDocumentTooLarge
	}

	data := []byte(text)
	// JSON may be indented by tabs, which is no YAML.
	if !json.Valid(data) {
		err := boundAliases(text)
		if err != nil {
			return nil, err
		}
		if data, err = yaml.YAMLToJSON(data); err != nil {
			return nil, errSyntax
		}
	}

	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errSyntax
	}
	return numbers(value)
}

// numbers replaces every [json.Number], in place.
func numbers(value any) (any, error) {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, errSyntax
		}
		return f, nil
	case map[string]any:
		for key, item := range v {
			converted, err := numbers(item)
			if err != nil {
				return nil, err
			}
			v[key] = converted
		}
	case []any:
		for i, item := range v {
			converted, err := numbers(item)
			if err != nil {
				return nil, err
			}
			v[i] = converted
		}
	}

	return value, nil
}

// boundAliases refuses documents that grow beyond bounds when their aliases are
// written out. The YAML reader bounds how many nodes aliases make, not how large
// they are: one long text with a hundred thousand aliases passes there.
func boundAliases(text string) error {
	if !strings.Contains(text, "&") || !strings.Contains(text, "*") {
		return nil
	}
	var root yamlnode.Node
	if err := yamlnode.Unmarshal([]byte(text), &root); err != nil {
		return errSyntax
	}
	if expandedSize(&root, map[*yamlnode.Node]int{}) > maxExpanded {
		return errAliases
	}
	return nil
}

// expandedSize is the length of the scalars under a node, aliases followed. Sizes
// remember nodes that were seen. A node within itself counts as too large.
func expandedSize(node *yamlnode.Node, sizes map[*yamlnode.Node]int) int {
	if node.Kind == yamlnode.AliasNode {
		node = node.Alias
	}
	if size, ok := sizes[node]; ok {
		return size
	}
	sizes[node] = maxExpanded + 1
	size := len(node.Value) + 1
	for _, child := range node.Content {
		if size += expandedSize(child, sizes); size > maxExpanded {
			size = maxExpanded + 1
			break
		}
	}
	sizes[node] = size
	return size
}
