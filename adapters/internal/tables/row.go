package tables

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/contract"
)

// Column is one column of a table that holds data of its own. Columns that the
// server computes are never among them.
type Column struct {
	Name string
	Form Form
}

// Encoder writes rows of one table. Columns come in the order of the table's
// list; the JSON object has them sorted by name.
type Encoder struct {
	table   string
	columns []Column
	order   []int
	names   [][]byte // the JSON of the names, with colon
	buffer  []byte
}

// NewEncoder prepares the names once.
func NewEncoder(table string, columns []Column) (*Encoder, error) {
	e := &Encoder{table: table, columns: columns, order: make([]int, len(columns)), names: make([][]byte, len(columns))}
	for i, c := range columns {
		name, err := AppendString(nil, []byte(c.Name))
		if err != nil {
			return nil, fmt.Errorf("table %s: a column's name: %w", table, err)
		}
		e.order[i], e.names[i] = i, append(name, ':')
	}
	slices.SortFunc(e.order, func(a, b int) int { return strings.Compare(columns[a].Name, columns[b].Name) })
	return e, nil
}

// Encode writes one row. A nil value is NULL. The result is valid until the next
// call.
func (e *Encoder) Encode(values [][]byte) (json.RawMessage, error) {
	out := append(e.buffer[:0], '{')
	for n, i := range e.order {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(out, e.names[i]...)
		if values[i] == nil {
			out = append(out, "null"...)
			continue
		}
		var err error
		if out, err = e.columns[i].Form.Append(out, values[i]); err != nil {
			return nil, fmt.Errorf("table %s, column %s: %w", e.table, e.columns[i].Name, err)
		}
	}
	e.buffer = append(out, '}')
	return e.buffer, nil
}

// RowError says which row of a payload a table cannot take, and why. It never
// holds a value.
type RowError struct {
	Table  string
	Row    int64  // counted from 1
	Column string // empty when the complete row is at fault
	Err    error
}

// Error names table, row and column.
func (e *RowError) Error() string {
	where := fmt.Sprintf("table %s, row %d", e.Table, e.Row)
	if e.Column != "" {
		where += ", column " + e.Column
	}
	return where + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *RowError) Unwrap() error { return e.Err }

// Decoder reads rows of one table's payload. The first row says which columns the
// payload has; every other row must have the same.
type Decoder struct {
	table    string
	columns  []Column
	optional []string
	present  []Column
	row      int64
	fields   map[string]json.RawMessage
	values   [][]byte
}

// MayMiss returns the columns that may be missing from a payload: those that the configuration says
// and those that have defaults.
func MayMiss(configured []string, defaults []contract.FieldDefault) []string {
	all := slices.Clone(configured)
	for _, d := range defaults {
		all = append(all, d.Field)
	}
	return all
}

// NewDecoder makes a decoder for a table with the given columns, of which the
// optional ones may be missing from the payload.
func NewDecoder(table string, columns []Column, optional []string) *Decoder {
	return &Decoder{table: table, columns: columns, optional: optional, fields: map[string]json.RawMessage{}}
}

// Columns returns the columns that the payload has, in the order of the table.
// They are known after the first row.
func (d *Decoder) Columns() []Column { return d.present }

// Missing returns the columns that are missing from the payload: the server fills them with
// their defaults.
func (d *Decoder) Missing() []string {
	var missing []string
	if d.row == 0 {
		return nil
	}
	for _, c := range d.columns {
		if !slices.Contains(d.present, c) {
			missing = append(missing, c.Name)
		}
	}
	return missing
}

// Rows returns how many rows were read.
func (d *Decoder) Rows() int64 { return d.row }

// Decode reads one row into values in the order of [Decoder.Columns]; nil is NULL.
// The result is valid until the next call. Errors are of type [*RowError].
func (d *Decoder) Decode(raw json.RawMessage) ([][]byte, error) {
	d.row++
	clear(d.fields)
	if err := json.Unmarshal(raw, &d.fields); err != nil || d.fields == nil {
		d.fields = map[string]json.RawMessage{}
		return nil, &RowError{d.table, d.row, "", fmt.Errorf("not a JSON object")}
	}
	if d.row == 1 {
		if err := d.learn(); err != nil {
			return nil, err
		}
	}

	for i, c := range d.present {
		raw, ok := d.fields[c.Name]
		if !ok {
			return nil, &RowError{d.table, d.row, c.Name, fmt.Errorf("the row does not have the column; the first row has it")}
		}
		value, err := c.Form.Parse(raw)
		if err != nil {
			return nil, &RowError{d.table, d.row, c.Name, err}
		}
		d.values[i] = value
	}
	if len(d.fields) != len(d.present) {
		return nil, d.unknown("the first row does not have it")
	}
	return d.values, nil
}

func (d *Decoder) learn() error {
	for _, c := range d.columns {
		if _, ok := d.fields[c.Name]; ok {
			d.present = append(d.present, c)
			continue
		}
		if !slices.Contains(d.optional, c.Name) {
			return &RowError{
				d.table, d.row, c.Name,
				fmt.Errorf("this column of the table is missing from the payload and the configuration does not list it as optional"),
			}
		}
	}
	if len(d.fields) != len(d.present) {
		return d.unknown("the table has no such column, or the server computes it")
	}
	d.values = make([][]byte, len(d.present))
	return nil
}

// unknown names the first column, in order of names, that should not be there.
func (d *Decoder) unknown(why string) error {
	var names []string
	for name := range d.fields {
		if !slices.ContainsFunc(d.present, func(c Column) bool { return c.Name == name }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return &RowError{d.table, d.row, names[0], fmt.Errorf("unknown column: %s", why)}
}
