package rewrite

import (
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/strictyaml"
)

// FieldsError is a file of fields that cannot be used.
type FieldsError struct {
	// Row counts from 1; it is 0 when the file as a whole is wrong.
	Row int
	Err error
}

func (e *FieldsError) Error() string {
	if e.Row == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("row %d: %v", e.Row, e.Err)
}

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
		return nil, &FieldsError{Err: err}
	}
	if len(file.Fields) == 0 {
		return nil, &FieldsError{Err: appbur.WithHint(fmt.Errorf("it has no fields"), "the rows are a list below fields:")}
	}
	for i, f := range file.Fields {
		if _, err := newRow(f); err != nil {
			return nil, &FieldsError{Row: i + 1, Err: err}
		}
	}
	return file.Fields, nil
}
