package history

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/appbur/appbur/internal/linediff"
)

// elementNames are the fields that name an element of a list, in the order in which
// they are tried. They are what Kubernetes merges lists by (x-kubernetes-list-map-keys
// and patchMergeKey), those that name an element alone.
var elementNames = []string{"name", "key", "type", "mountPath", "devicePath", "containerPort", "port", "ip", "uid"}

// lists compares two lists: by the names of their elements if all have one, else by
// the shortest way from one to the other.
func (c *fieldComparison) lists(path string, from, to []any) {
	if field, ok := nameOfElements(from, to); ok {
		c.namedLists(path, field, from, to)
		return
	}
	old, current := elementLines(from), elementLines(to)
	for _, h := range linediff.Compare(old, current) {
		for h.A < h.AEnd && h.B < h.BEnd {
			c.values(at(path, h.B), from[h.A], to[h.B])
			h.A++
			h.B++
		}
		for ; h.A < h.AEnd; h.A++ {
			c.removed(at(path, h.A), from[h.A])
		}
		for ; h.B < h.BEnd; h.B++ {
			c.added(at(path, h.B), to[h.B])
		}
	}
}

func (c *fieldComparison) namedLists(path, field string, from, to []any) {
	old := map[string]map[string]any{}
	var oldOrder, order []string
	for _, e := range from {
		element, _ := e.(map[string]any) // named lists hold maps only
		name := fmt.Sprint(element[field])
		old[name] = element
		oldOrder = append(oldOrder, name)
	}

	current := map[string]bool{}
	for _, e := range to {
		element, _ := e.(map[string]any) // named lists hold maps only
		name := fmt.Sprint(element[field])
		current[name] = true
		below := path + "[" + field + "=" + name + "]"
		if was, ok := old[name]; ok {
			c.values(below, was, element)
			order = append(order, name)
		} else {
			c.added(below, element)
		}
	}

	var stayed []string
	for _, name := range oldOrder {
		if current[name] {
			stayed = append(stayed, name)
		} else {
			c.removed(path+"["+field+"="+name+"]", old[name])
		}
	}

	if strings.Join(stayed, "\x00") != strings.Join(order, "\x00") {
		c.changes = append(c.changes, FieldChange{Path: path, What: Reordered, From: anyList(stayed), To: anyList(order)})
	}
}

// nameOfElements returns a field that every element of both lists has, with a plain
// value that no other element of its list has.
func nameOfElements(lists ...[]any) (string, bool) {
	for _, field := range elementNames {
		names, all := 0, true
		for _, list := range lists {
			seen := map[string]bool{}
			for _, e := range list {
				element, _ := e.(map[string]any)
				var name string
				switch value := element[field].(type) {
				case string, int64, float64, bool:
					name = fmt.Sprint(value)
				}
				if name == "" || seen[name] || ciphertext.MatchString(name) {
					all = false
				}
				seen[name] = true
				names++
			}
		}
		if all && names > 0 {
			return field, true
		}
	}

	return "", false
}

// elementLines writes each element as a line, so that equal elements are equal lines.
func elementLines(list []any) [][]byte {
	lines := make([][]byte, len(list))
	for i, element := range list {
		line, err := json.Marshal(element)
		if err != nil {
			// What was decoded from YAML can be encoded but for numbers that are none.
			line = fmt.Append(nil, element)
		}
		lines[i] = line
	}
	return lines
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func anyList(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	return list
}
