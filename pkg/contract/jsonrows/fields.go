package jsonrows

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// fieldsOf lists the names that encoding/json writes for a struct.
func fieldsOf[T any]() ([]string, error) {
	record := reflect.TypeFor[T]()
	if record.Kind() == reflect.Pointer {
		record = record.Elem()
	}
	if record.Kind() != reflect.Struct {
		return nil, fmt.Errorf("a row is written from a struct, not from a %s", record)
	}
	return addFields(nil, record, record)
}

func addFields(names []string, record, within reflect.Type) ([]string, error) {
	for i := range within.NumField() {
		field := within.Field(i)
		tag := field.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		embedded := field.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		switch {
		case tag == "-":
			continue
		case field.Anonymous && name == "" && embedded.Kind() == reflect.Struct && embedded != record:
			var err error
			if names, err = addFields(names, record, embedded); err != nil {
				return nil, err
			}
			continue
		case !field.IsExported():
			continue
		case name == "":
			name = field.Name
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("two fields of %s are called %q in JSON", record, name)
		}
		names = append(names, name)
	}

	return names, nil
}
