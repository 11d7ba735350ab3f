package tables

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var people = []Column{{"name", Text}, {"id", Integer}, {"photo", Bytes}}

func TestEncodeSortsColumns(t *testing.T) {
	e, err := NewEncoder("people", people)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Encode([][]byte{[]byte("Ada"), []byte("7"), nil})
	if err != nil || string(got) != `{"id":7,"name":"Ada","photo":null}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := e.Encode([][]byte{[]byte("\xff"), []byte("7"), nil}); err == nil ||
		!strings.Contains(err.Error(), "table people, column name") {
		t.Errorf("the error does not name the column: %v", err)
	}
}

func TestRowsAreDecodedByColumns(t *testing.T) {
	for name, c := range map[string]struct {
		rows     []string
		optional []string
		columns  string
		row      int64
		column   string
		want     string // part of the error; empty for success
	}{
		"all":      {rows: []string{`{"id":1,"name":"a","photo":""}`, `{"photo":null,"id":2,"name":"b"}`}, columns: "name id photo"},
		"optional": {rows: []string{`{"id":1,"name":"a"}`}, optional: []string{"photo"}, columns: "name id"},
		"missing":  {rows: []string{`{"id":1,"name":"a"}`}, row: 1, column: "photo", want: "does not list it as optional"},
		"unknown": {
			rows: []string{`{"id":1,"name":"a","photo":"","zip":1}`}, row: 1, column: "zip",
			want: "the table has no such column",
		},
		"unknown later": {
			rows: []string{`{"id":1,"name":"a","photo":""}`, `{"id":1,"name":"a","photo":"","zip":1}`}, row: 2, column: "zip",
			want: "the first row does not have it",
		},
		"missing later": {
			rows: []string{`{"id":1,"name":"a","photo":""}`, `{"id":1,"name":"a"}`}, row: 2, column: "photo",
			want: "does not have the column",
		},
		"wrong type":    {rows: []string{`{"id":"1","name":"a","photo":""}`}, row: 1, column: "id", want: "want an integer"},
		"no object":     {rows: []string{`[1]`}, row: 1, want: "not a JSON object"},
		"null as a row": {rows: []string{`null`}, row: 1, want: "not a JSON object"},
		"optional then more": {
			rows: []string{`{"id":1,"name":"a"}`, `{"id":1,"name":"a","photo":""}`}, optional: []string{"photo"}, row: 2,
			column: "photo", want: "the first row does not have it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDecoder("people", people, c.optional)
			var err error
			for _, row := range c.rows {
				if _, err = d.Decode(json.RawMessage(row)); err != nil {
					break
				}
			}

			if c.want == "" {
				var names []string
				for _, column := range d.Columns() {
					names = append(names, column.Name)
				}
				if err != nil || strings.Join(names, " ") != c.columns {
					t.Errorf("columns %v, error %v, want %s", names, err, c.columns)
				}
				return
			}

			var rowErr *RowError
			if !errors.As(err, &rowErr) {
				t.Fatalf("error is %v, want a RowError", err)
			}
			if rowErr.Row != c.row || rowErr.Column != c.column || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestChecksumTellsTheColumn(t *testing.T) {
	columns := []Column{{"a", Text}, {"b", Text}, {"f", Float64}, {"d", Decimal}}
	sum := func(rows ...[]string) *Checksum {
		c := NewChecksum(columns)
		for _, row := range rows {
			values := make([][]byte, len(row))
			for i, v := range row {
				if v != "NULL" {
					values[i] = []byte(v)
				}
			}
			if err := c.Add(values); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}

	base := sum([]string{"x", "", "1.50", "1.50"}, []string{"y", "NULL", "2", "100"})
	for name, c := range map[string]struct {
		other *Checksum
		want  string
	}{
		"equal, other spelling": {sum([]string{"x", "", "1.5", "1.5"}, []string{"y", "NULL", "2.0", "100.0"}), ""},
		"null is not empty":     {sum([]string{"x", "NULL", "1.5", "1.5"}, []string{"y", "NULL", "2", "100"}), "b"},
		"order counts":          {sum([]string{"y", "", "1.5", "1.5"}, []string{"x", "NULL", "2", "100"}), "a"},
		"last column":           {sum([]string{"x", "", "1.5", "1.5"}, []string{"y", "NULL", "2.5", "1"}), "f"},
	} {
		if got := base.Differs(c.other); got != c.want {
			t.Errorf("%s: differs in %q, want %q", name, got, c.want)
		}
	}
}

func TestReferences(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e"}
	r := References{"a": {"c", "a", "outside"}, "c": {"d"}, "d": {"c"}, "b": {"a", "a"}}
	if diff := cmp.Diff([]string{"d", "c", "a", "b", "e"}, r.Order(all)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"a": {"c"}, "b": {"a"}, "c": {"d"}}, r.Before(all)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
}
