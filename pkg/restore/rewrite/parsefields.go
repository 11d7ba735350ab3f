package rewrite

import (
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/strictyaml"
)

// FieldsError is a file of fields that cannot be used. It says all rows that are wrong.
type FieldsError struct{ Err error }

func (e *FieldsError) Error() string { return e.Err.Error() }
func (e *FieldsError) Unwrap() error { return e.Err }

// fieldsFile is what users write.
type fieldsFile struct {
	Fields []Field `yaml:"fields"`
}

// ParseFields reads fields that a user adds to the table. The source of a row may be missing
// there, its reason may not. An error is a [FieldsError].
func ParseFields(data []byte) ([]Field, error) {
	var file fieldsFile
	if err := strictyaml.Decode(data, &file); err != nil {
		return nil, &FieldsError{err}
	}
	if len(file.Fields) == 0 {
		return nil, &FieldsError{appbur.WithHint(fmt.Errorf("it has no fields"), "the rows are a list below fields:")}
	}
	if _, err := strictyaml.Entries("row", file.Fields, newRow); err != nil {
		return nil, &FieldsError{err}
	}
	return file.Fields, nil
}
