package schemadiff

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// ErrSchema says that a description cannot be read.
var ErrSchema = errors.New("not a description of rows")

// Schema is one description of rows.
type Schema struct {
	json    map[string]any
	message protoreflect.MessageDescriptor
	all     []protoreflect.MessageDescriptor
}

// Field is one field of the rows.
type Field struct {
	// Path is a JSON pointer; * stands for every element of a list.
	Path string
	// Type is one of string, integer, number, boolean, array, object and "".
	Type    string
	Default any
	Enum    []any
}

// Parse reads a description: JSON if it begins like JSON, else a FileDescriptorSet. message names
// the message of the rows; it is for protobuf only, and may be empty to compare all messages.
func Parse(data []byte, message string) (Schema, error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte{'{'}) {
		if message != "" {
			return Schema{}, fmt.Errorf("%w: JSON Schema has no message %q", ErrSchema, message)
		}
		return parseJSON(data)
	}
	return parseProtobuf(data, message)
}

// Compare returns how the newer description differs.
func Compare(older, newer Schema) ([]Difference, error) {
	var f found
	switch {
	case older.json != nil && newer.json != nil:
		c := jsonComparison{older: older.json, newer: newer.json, found: &f, seen: map[[2]string]bool{{"#", "#"}: true}}
		c.compare("", older.json, newer.json)
	case older.json == nil && newer.json == nil:
		compareProtobuf(older, newer, &f)
	default:
		return nil, fmt.Errorf("%w: one is JSON Schema, the other protobuf", ErrSchema)
	}
	return f, nil
}

// Fields are the fields of rows. They are not known of protobuf without the name of a message.
func (s Schema) Fields() []Field {
	if s.json != nil {
		return jsonFields(s.json)
	}
	if s.message != nil {
		return messageFields(s.message)
	}
	return nil
}
