package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Decode reads the YAML of one object, canonical or not, as kubectl would: whole
// numbers become int64, others float64, and keys must be unique. JSON is YAML, too.
// A second document in the data is an error.
func Decode(data []byte) (map[string]any, error) {
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) && json.Valid(data) {
		return decodeObject(data)
	}
	if object, ok := plainYAML(data); ok {
		return object, nil
	}
	return decodeYAML(data)
}

// decodeYAML reads any YAML.
func decodeYAML(data []byte) (map[string]any, error) {
	if err := checkSingle(data); err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	text, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))

	decoder.UseNumber()
	var content any
	if err := decoder.Decode(&content); err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	if content, err = numbers(content); err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	obj, ok := content.(map[string]any)
	if !ok {
		return nil, errors.New("reading a manifest: the document is no map")
	}
	return obj, nil
}

// decodeObject reads JSON as JSON: texts may have characters in it, such as DEL, that
// YAML readers refuse unless they are escaped.
func decodeObject(data []byte) (map[string]any, error) {
	var obj map[string]any
	duplicates, err := kjson.UnmarshalStrict(data, &obj)
	if err == nil && len(duplicates) > 0 {
		err = duplicates[0]
	}
	if err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	return obj, nil
}

// checkSingle refuses a second document, which YAML readers pass over in silence.
// No line of a document that is a map can begin with the separator otherwise.
func checkSingle(data []byte) error {
	content := false
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, " \t\r\n")
		switch {
		case len(line) == 0 || line[0] == '#' || line[0] == '%':
		case bytes.Equal(line, []byte("---")) || bytes.HasPrefix(line, []byte("--- ")):
			if content {
				return errors.New("there is more than one document")
			}
			content = len(line) > 3
		case bytes.Equal(line, []byte("...")):
		default:
			content = true
		}
	}

	if !content {
		return fmt.Errorf("there is no document: %w", io.ErrUnexpectedEOF)
	}
	return nil
}

// numbers replaces every [json.Number] by int64 or float64, in place.
func numbers(value any) (any, error) {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		return v.Float64()
	case map[string]any:
		for key, child := range v {
			converted, err := numbers(child)
			if err != nil {
				return nil, err
			}
			v[key] = converted
		}
	case []any:
		for i, child := range v {
			converted, err := numbers(child)
			if err != nil {
				return nil, err
			}
			v[i] = converted
		}
	}

	return value, nil
}
