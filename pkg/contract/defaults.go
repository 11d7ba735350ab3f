package contract

import (
	"bytes"
	"encoding/json"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// defaults fills in missing fields of the rows of a payload, and counts them.
type defaults struct {
	fields []FieldDefault
	// members are how canonical rows write the name of each field.
	members [][]byte
	rows    []uint64
}

func newDefaults(d *definition) *defaults {
	f := &defaults{fields: d.Defaults, rows: make([]uint64, len(d.Defaults))}
	for _, field := range f.fields {
		name, err := Canonical([]byte(`{` + quoted(field.Field) + `:0}`))
		if err != nil {
			name = nil // no row has such a field
		}
		f.members = append(f.members, bytes.TrimSuffix(bytes.TrimPrefix(name, []byte("{")), []byte("0}")))
	}
	return f
}

func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(encoded)
}

// row returns a canonical row with its missing fields.
func (f *defaults) row(row Row) (Row, error) {
	complete := true
	for _, member := range f.members {
		// An object inside the row may have a field of that name as well: such a row
		// stays as it is, and the application reports what is missing.
		complete = complete && bytes.Contains(row, member)
	}
	if complete {
		return row, nil
	}

	var members map[string]json.RawMessage
	if err := json.Unmarshal(row, &members); err != nil {
		return nil, err
	}
	added := false
	for i, field := range f.fields {
		if _, ok := members[field.Field]; ok {
			continue
		}
		f.rows[i]++
		if field.Value != nil {
			members[field.Field], added = field.Value, true
		}
	}
	if !added {
		return row, nil
	}
	full, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return Canonical(full)
}

// report lists what was filled in.
func (f *defaults) report() []*contractpb.Filled {
	var filled []*contractpb.Filled
	for i, field := range f.fields {
		if f.rows[i] > 0 {
			filled = append(filled, &contractpb.Filled{Field: field.Field, Rows: f.rows[i]})
		}
	}
	return filled
}
