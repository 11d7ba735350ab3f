package goldens

import (
	"bytes"
	"fmt"

	"github.com/appbur/appbur/pkg/compat/schemadiff"
)

// SchemaFile is a description of rows: JSON Schema, or descriptors of protobuf.
type SchemaFile struct {
	Data []byte
	// Message is that of the rows, in descriptors.
	Message string
	Schema  schemadiff.Schema
}

// ReadSchema reads a description of rows.
func ReadSchema(data []byte, message string) (SchemaFile, error) {
	schema, err := schemadiff.Parse(data, message)
	return SchemaFile{data, message, schema}, err
}

// ending is that of its file.
func (s SchemaFile) ending() string {
	if bytes.HasPrefix(bytes.TrimSpace(s.Data), []byte{'{'}) {
		return ".schema.json"
	}
	return ".schema.binpb"
}

// describe reads the descriptions that were recorded with a golden.
func (r *Recorded) describe(files map[string][]byte) error {
	for _, d := range r.About.Datasets {
		if d.SchemaFile == "" {
			continue
		}
		schema, err := ReadSchema(files[d.SchemaFile], d.SchemaMessage)
		if err != nil {
			return fmt.Errorf("%s: %w", d.SchemaFile, err)
		}
		r.Schemas[d.Name] = schema
	}
	return nil
}
