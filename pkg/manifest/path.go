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
	glob bool // the key has * or ?, which match any characters
	each bool // [] : each element of a list, of those whose field is want
	deep bool // ** : this map and every map below it

	field, want string
}

// parsePath reads the paths of rules: keys joined by dots, "[]" or "[*]" for each
// element of a list, [key=value] for the elements that have this, ["a.b/c"] for a key
// with dots, "**" for any depth. In keys and values, "*" and "?" match any
// characters but "/".
//
//	spec.ports[].nodePort
//	spec.containers[name=sidecar]
//	metadata.annotations["example.org/*"]
//	**.metadata.creationTimestamp
func parsePath(path string) ([]step, error) {
	var steps []step
	rest := path
	for rest != "" {
		var next step
		switch {
		case strings.HasPrefix(rest, `["`):
			key, after, ok := quotedKey(rest)
			if !ok {
				return nil, fmt.Errorf("path %q: a quoted key does not end", path)
			}
			next, rest = keyStep(key), after
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("path %q: a bracket does not close", path)
			}
			inside := rest[1:end]
			field, want, selective := strings.Cut(inside, "=")
			if selective == (field == "") || !selective && inside != "" && inside != "*" {
				return nil, fmt.Errorf("path %q: [%s] is none of [], [*], [key=value] and [\"key\"]", path, inside)
			}
			next, rest = step{each: true}, rest[end+1:]
			if selective {
				next.field, next.want = field, want
			}
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
			next, rest = keyStep(name[:end]), name[end:]
			if next.key == "**" {
				next = step{deep: true}
			}
		}
		steps = append(steps, next)
	}

	if len(steps) > 0 && steps[len(steps)-1].deep {
		return nil, fmt.Errorf("path %q ends with **", path)
	}
	return steps, nil
}

// quotedKey reads a key from the beginning of a text that begins with a bracket and
// a quote. A backslash makes an ordinary character of a quote or a backslash.
func quotedKey(text string) (key, rest string, ok bool) {
	var b strings.Builder
	for i := 2; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] != '"':
			b.WriteByte(text[i])
		case strings.HasPrefix(text[i:], `"]`):
			return b.String(), text[i+2:], true
		default:
			return "", "", false
		}
	}
	return "", "", false
}

var keyEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func keyStep(key string) step { return step{key: key, glob: strings.ContainsAny(key, "*?")} }

// plain reports whether the step leads into one key.
func (s step) plain() bool { return !s.each && !s.deep && !s.glob }

// into reports whether a step through a list leads into the element.
func (s step) into(element any) bool {
	if s.field == "" {
		return true
	}
	fields, _ := element.(map[string]any)
	text, ok := textOf(fields[s.field])
	return ok && matches(s.want, text)
}

// place is one step that was taken through an object: the container that was
// stepped through, and the key or the index that was stepped into.
type place struct {
	container any // map[string]any or []any
	key       string
	index     int // in the container
	position  int // in the list as it was, before rules took elements out of it
}

// trail is the way from an object to a value inside it.
type trail []place

// String writes the trail as a path with the numbers of list elements.
func (t trail) String() string {
	var b strings.Builder
	for _, p := range t {
		switch _, list := p.container.([]any); {
		case list:
			b.WriteString("[" + strconv.Itoa(p.position) + "]")
		case strings.ContainsAny(p.key, `./["\`) || p.key == "":
			b.WriteString(`["` + keyEscapes.Replace(p.key) + `"]`)
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
		return steps.([]step) //nolint:forcetypeassert // nothing else is stored
	}
	steps, err := parsePath(path)
	if err != nil {
		panic("internal error: unchecked condition: " + err.Error())
	}
	pathCache.Store(path, steps)
	return steps
}
