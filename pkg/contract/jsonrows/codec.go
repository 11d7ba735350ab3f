package jsonrows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/appbur/appbur/pkg/contract"
)

// Codec turns records of one type into rows and back. The zero value is of no use.
type Codec[T any] struct{ fields []string }

// New looks at the type of a record, which must be a struct.
func New[T any]() (Codec[T], error) {
	fields, err := fieldsOf[T]()
	if err != nil {
		return Codec[T]{}, err
	}
	return Codec[T]{fields}, nil
}

// Fields are the names of the top-level fields of a row, for contract.Dataset.
func (c Codec[T]) Fields() []string { return slices.Clone(c.fields) }

// Row writes one record.
func (c Codec[T]) Row(record T) (contract.Row, error) {
	row, err := json.Marshal(record)
	if err != nil {
		// What a marshaller says may quote the value.
		return nil, fmt.Errorf("a %T cannot be written as JSON", record)
	}
	return row, nil
}

// Value reads one record.
func (c Codec[T]) Value(row contract.Row) (T, error) {
	var record T
	if err := c.checkNames(row); err != nil {
		return record, err
	}
	decoder := json.NewDecoder(bytes.NewReader(row))
	decoder.DisallowUnknownFields() // inside of what checkNames looked at
	if err := decoder.Decode(&record); err != nil {
		var zero T
		return zero, harmless(err)
	}
	return record, nil
}

// checkNames refuses fields of other names. encoding/json alone would take "ID" for
// "id", and the next export would differ.
func (c Codec[T]) checkNames(row contract.Row) error {
	var names map[string]json.RawMessage
	if err := json.Unmarshal(row, &names); err != nil {
		return errors.New("it is not a JSON object")
	}
	for name := range names {
		if !slices.Contains(c.fields, name) {
			return fmt.Errorf("it has the field %q, which is not known", name)
		}
	}
	return nil
}

// harmless says what is wrong with a row without quoting it.
func harmless(err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return fmt.Errorf("the field %s is not a %s", strconv.Quote(mismatch.Field), mismatch.Type)
	}
	return errors.New("a field of it does not fit its type, or is not known")
}

// Rows writes records one by one. It ends after the first error.
func (c Codec[T]) Rows(records iter.Seq2[T, error]) iter.Seq2[contract.Row, error] {
	return contract.EncodeRows(records, c.Row)
}

// Values reads rows one by one. A row that does not fit is an error of the payload
// that says which row it is. It ends after the first error.
func (c Codec[T]) Values(dataset string, rows iter.Seq2[contract.Row, error]) iter.Seq2[T, error] {
	return contract.DecodeRows(dataset, rows, c.Value)
}
