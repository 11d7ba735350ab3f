package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Draft is the dialect that schemas are written in.
const Draft = "https://json-schema.org/draft/2020-12/schema"

// Schema is what a JSON schema says of a value.
type Schema struct {
	Draft       string `json:"$schema,omitempty"`
	ID          string `json:"$id,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// Type is one word, or a list of words.
	Type     any      `json:"type,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Default  any      `json:"default,omitempty"`
	Examples []any    `json:"examples,omitempty"`

	Pattern   string  `json:"pattern,omitempty"`
	MinLength int     `json:"minLength,omitempty"`
	MaxLength int     `json:"maxLength,omitempty"`
	Minimum   *int    `json:"minimum,omitempty"`
	Maximum   *int    `json:"maximum,omitempty"`
	Not       *Schema `json:"not,omitempty"`

	Properties           properties `json:"properties,omitzero"`
	Required             []string   `json:"required,omitempty"`
	AdditionalProperties *bool      `json:"additionalProperties,omitempty"`
	Items                *Schema    `json:"items,omitempty"`
}

// properties are in the order of their table, which is the order in which editors offer them.
type properties []property

type property struct {
	name   string
	schema *Schema
}

// MarshalJSON implements [json.Marshaler].
func (list properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range list {
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, fmt.Errorf("schema: %w", err)
		}
		schema, err := json.Marshal(p.schema)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", p.name, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(append(append(name, ':'), schema...))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Encode writes the schema as a file.
func (s *Schema) Encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return b.Bytes(), nil
}
