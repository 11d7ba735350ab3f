package restore

import (
	"strings"
	"testing"
)

func TestEachItem(t *testing.T) {
	for name, c := range map[string]struct {
		list  string
		next  string
		names string
		fails bool
	}{
		"a page":                  {`{"kind":"List","metadata":{"continue":"t"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`, "t", "a b", false},
		"items come first":        {`{"items":[{"metadata":{"name":"a"}}],"metadata":{"continue":"t"}}`, "t", "a", false},
		"no items":                {`{"items":[],"metadata":{}}`, "", "", false},
		"null for no items":       {`{"items":null,"metadata":{}}`, "", "", false},
		"not a list":              {`[]`, "", "", true},
		"items are no list":       {`{"items":{"a":1}}`, "", "", true},
		"an item is no object":    {`{"items":[{"metadata":{"name":"a"}},3]}`, "", "a", true},
		"an item is null":         {`{"items":[null]}`, "", "", true},
		"ends within an object":   {`{"items":[{"metadata":{"name":"a"}},{"metadata":`, "", "a", true},
		"ends before its end":     {`{"items":[{"metadata":{"name":"a"}}]`, "", "a", true},
		"an empty answer":         {``, "", "", true},
		"something else, skipped": {`{"extra":{"items":[1]},"items":[{"metadata":{"name":"a"}}]}`, "", "a", false},
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			next, err := eachItem(strings.NewReader(c.list), func(o map[string]any) { names = append(names, text(o, "metadata", "name")) })
			if got := strings.Join(names, " "); got != c.names || next != c.next || (err != nil) != c.fails {
				t.Errorf("%q, next %q, %v", got, next, err)
			}
		})
	}
}

func FuzzEachItem(f *testing.F) {
	f.Add(`{"items":[{"metadata":{"name":"a"}}],"metadata":{"continue":"t"}}`)
	f.Add(`{"items":null}`)
	f.Add(`{"items":[[`)
	f.Fuzz(func(t *testing.T, list string) {
		_, _ = eachItem(strings.NewReader(list), func(o map[string]any) {
			if o == nil {
				t.Error("an object that is none")
			}
		})
	})
}
