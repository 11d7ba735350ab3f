package tables

import (
	"slices"
	"strings"
	"testing"
)

func TestKeyOfUniqueIndexes(t *testing.T) {
	type column struct {
		index, name         string
		primary, identifies bool
	}
	primary := []column{{"p", "a", true, true}, {"p", "b", true, true}}
	for name, test := range map[string]struct {
		configured []string
		columns    []column
		want       string // a key, or what the refusal says
	}{
		"primary key":                        {nil, primary, "a b"},
		"no primary key":                     {nil, []column{{"u", "a", false, true}}, "no primary key"},
		"configured, more than the primary":  {[]string{"c", "b", "a"}, primary, "c b a"},
		"configured, a part of the primary":  {[]string{"a"}, primary, "(a) is not unique"},
		"configured, by another index":       {[]string{"c"}, append([]column{{"u", "c", false, true}}, primary...), "c"},
		"configured, by one that takes NULL": {[]string{"c"}, append([]column{{"u", "c", false, false}}, primary...), "(c) is not unique"},
		"configured, NULL in its first column": {
			[]string{"c", "d"},
			[]column{{"u", "c", false, false}, {"u", "d", false, true}},
			"(c, d) is not unique",
		},
		"configured, no index": {[]string{"a"}, nil, "(a) is not unique"},
	} {
		t.Run(name, func(t *testing.T) {
			indexes := NewUniqueIndexes(test.configured)
			for _, c := range test.columns {
				indexes.Add(c.index, c.name, c.primary, c.identifies)
			}
			key, err := indexes.Key()
			switch {
			case err == nil && strings.Join(key, " ") != test.want:
				t.Errorf("got the key %q, want %q", key, test.want)
			case err != nil && !strings.Contains(err.Error(), test.want):
				t.Errorf("got the error %v, want %q", err, test.want)
			}
		})
	}
}

func TestKeyValuesAreInTheOrderOfColumns(t *testing.T) {
	columns := []Column{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	key := []string{"c", "a"}
	values := KeyValues(columns, key, [][]byte{[]byte("1"), []byte("2"), []byte("3")})
	if len(values) != 2 || string(values[0]) != "1" || string(values[1]) != "3" {
		t.Errorf("got %q, want 1 and 3", values)
	}
	names := []string{}
	for _, c := range KeyColumns(columns, key) {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{"a", "c"}) || len(columns) != 3 {
		t.Errorf("got the columns %q, want a and c", names)
	}
}
