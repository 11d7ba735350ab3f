package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// unknownFields applies a dataset's policy to top-level fields of rows that its
// schema does not name.
type unknownFields struct {
	definition *definition
	rows       map[string]uint64 // by field: how many rows had it
}

func newUnknownFields(d *definition) *unknownFields {
	return &unknownFields{definition: d, rows: map[string]uint64{}}
}

// row returns a canonical row as the policy wants it.
func (u *unknownFields) row(row Row) (Row, error) {
	d := u.definition
	if d.UnknownFields == KeepUnknown {
		return row, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(row, &members); err != nil {
		return nil, err
	}
	known := len(members)

	for field := range members {
		if slices.Contains(d.Fields, field) {
			continue
		}
		if d.UnknownFields == RefuseUnknown {
			return nil, fmt.Errorf("schema %s has no field %q", d.schema, field)
		}
		u.rows[field]++
		delete(members, field)
	}

	if len(members) == known {
		return row, nil
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return Canonical(rest)
}

// report lists what was left out.
func (u *unknownFields) report() []*contractpb.Dropped {
	var dropped []*contractpb.Dropped
	schema := u.definition.schema.String()
	for field, rows := range u.rows {
		dropped = append(dropped, &contractpb.Dropped{
			Path: "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(field), From: schema, To: schema, Rows: rows, Declared: true,
			Reason: "the schema does not name the field",
		})
	}
	slices.SortFunc(dropped, func(a, b *contractpb.Dropped) int { return strings.Compare(a.GetPath(), b.GetPath()) })
	return dropped
}
