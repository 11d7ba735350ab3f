package manifest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// step is one step of a path: into a key, into each element of a list, or into
// every map at any depth.
type step struct {
	key  string
	each bool // [] : each element of a list
	deep bool // ** : this map and every map below it
}

// parsePath reads the paths of rules: keys joined by dots, "[]" for each element
// of a list, ["a.b/c"] for a key with dots, "**" for any depth.
//
//	spec.ports[].nodePort
//	metadata.annotations["example.org/a"]
//	**.metadata.creationTimestamp
func parsePath(path string) ([]step, error) {
	var steps []step
	rest := path
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "[]"):
			steps, rest = append(steps, step{each: true}), rest[2:]
		case strings.HasPrefix(rest, `["`):
			end := strings.Index(rest, `"]`)
			if end < 0 {
				return nil, fmt.Errorf("path %q: a quoted key does not end", path)
			}
			steps, rest = append(steps, step{key: rest[2:end]}), rest[end+2:]
		default:
			name := strings.TrimPrefix(rest, ".")
			if (name == rest) != (len(steps) == 0) {
				return nil, fmt.Errorf("path %q: a dot is missing or too many at %q", path, rest)
			}
			end := strings.IndexAny(name, ".[")
			if end < 0 {
				end = len(name)
			}
			if end == 0 {
				return nil, fmt.Errorf("path %q has an empty key", path)
			}
			next := step{key: name[:end]}
			if next.key == "**" {
				next = step{deep: true}
			}
			steps, rest = append(steps, next), name[end:]
		}
	}
	if len(steps) > 0 && steps[len(steps)-1].deep {
		return nil, fmt.Errorf("path %q ends with **", path)
	}
	return steps, nil
}

// place is one step that was taken through an object: the container that was
// stepped through, and the key or the index that was stepped into.
type place struct {
	container any // map[string]any or []any
	key       string
	index     int
}

// trail is the way from an object to a value inside it.
type trail []place

// String writes the trail as a path with the numbers of list elements.
func (t trail) String() string {
	var b strings.Builder
	for _, p := range t {
		switch _, list := p.container.([]any); {
		case list:
			b.WriteString("[" + strconv.Itoa(p.index) + "]")
		case strings.ContainsAny(p.key, `./["`) || p.key == "":
			b.WriteString(`["` + p.key + `"]`)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(p.key)
		}
	}
	return b.String()
}

// pathCache keeps the parsed form of every path that conditions use. Conditions
// are plain data without a place for it, and are evaluated for every object.
var pathCache sync.Map // string -> []step

// cachedPath parses a path that [checkCondition] has accepted.
func cachedPath(path string) []step {
	if steps, ok := pathCache.Load(path); ok {
		return steps.([]step)
	}
	steps, err := parsePath(path)
	if err != nil {
		panic("internal error: unchecked condition: " + err.Error())
	}
	pathCache.Store(path, steps)
	return steps
}
