package rewrite

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/appbur/appbur"
)

// fieldPath says which fields of an object are meant: keys from the root on, joined by dots.
//
//	spec.source.namespace          one field
//	subjects[].namespace           of every element of a list
//	spec.*.namespace               below any key; a key can be a pattern of path.Match
//	spec.**.secretRef.namespace    at any depth, lists included
//	metadata.labels."a.b/c"        a key that has dots is quoted
type fieldPath struct {
	text     string
	segments []segment
}

// segment is one step from a value to those below it.
type segment struct {
	kind segmentKind
	key  string // a pattern
}

type segmentKind int

const (
	stepKey segmentKind = iota
	stepElements
	stepAnyDepth
)

// parsePath reads a path.
func parsePath(text string) (fieldPath, error) {
	p := fieldPath{text: text}
	rest := text
	for first := true; rest != "" || first; first = false {
		if !first {
			var dotted bool
			if rest, dotted = strings.CutPrefix(rest, "."); !dotted {
				return fieldPath{}, fmt.Errorf("path %q: a dot is missing before %q", text, rest)
			}
		}

		key, after, err := cutKey(rest)
		if err != nil {
			return fieldPath{}, fmt.Errorf("path %q: %w", text, err)
		}
		step := segment{kind: stepKey, key: key}
		if key == "**" {
			step = segment{kind: stepAnyDepth}
		}
		p.segments = append(p.segments, step)

		for strings.HasPrefix(after, "[]") {
			p.segments = append(p.segments, segment{kind: stepElements})
			after = after[len("[]"):]
		}
		rest = after
	}

	switch depths := strings.Count(text, "**"); {
	case p.segments[len(p.segments)-1].kind == stepAnyDepth:
		return fieldPath{}, fmt.Errorf("path %q: it has to end in a field", text)
	case depths > 1:
		return fieldPath{}, fmt.Errorf("path %q: ** can be in it once", text)
	}
	return p, nil
}

// cutKey takes the first key, quoted or not, from a path.
func cutKey(rest string) (key, after string, err error) {
	if quoted, ok := strings.CutPrefix(rest, `"`); ok {
		if key, after, ok = strings.Cut(quoted, `"`); !ok {
			return "", "", errors.New("a quote does not end")
		}
	} else {
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		key, after = rest[:end], rest[end:]
	}

	switch {
	case key == "":
		return "", "", errors.New("a key is empty")
	case strings.HasPrefix(after, "[") && !strings.HasPrefix(after, "[]"):
		return "", "", errors.New("a list is written as key[], which means all of its elements")
	}
	if _, err := path.Match(key, ""); err != nil {
		return "", "", fmt.Errorf("%q is no pattern", key)
	}
	return key, after, nil
}

// spot is one field that a path leads to.
type spot struct {
	*trail
	// around are the objects that it lies in, the nearest last.
	around []map[string]any
	value  string
}

// trail is the way to a field, written out only for those that are changed.
type trail struct {
	up  *trail
	key string
	// element steps go to the one at index of a list.
	element bool
	index   int
}

// at is where the field is, for people.
func (t *trail) at() string {
	switch {
	case t == nil:
		return ""
	case t.element:
		return t.up.at() + "[" + strconv.Itoa(t.index) + "]"
	}
	return appbur.JoinKey(t.up.at(), t.key)
}

// steps are the way from the root on.
func (t *trail) steps() []*trail {
	if t == nil {
		return nil
	}
	return append(t.up.steps(), t)
}

// leadsTo reports whether the path leads to a place.
func (p fieldPath) leadsTo(steps []*trail) bool { return leads(p.segments, steps) }

func leads(segments []segment, steps []*trail) bool {
	if len(segments) == 0 || len(steps) == 0 {
		return len(segments) == len(steps)
	}
	switch segments[0].kind {
	case stepAnyDepth:
		return leads(segments[1:], steps) || leads(segments, steps[1:])
	case stepElements:
		return steps[0].element && leads(segments[1:], steps[1:])
	case stepKey:
	}
	return !steps[0].element && matches(segments[0].key, steps[0].key) && leads(segments[1:], steps[1:])
}

// replaceAt returns a copy of a value in which one text is another.
func replaceAt(value any, steps []*trail, text string) any {
	if len(steps) == 0 {
		return text
	}
	switch v := value.(type) {
	case map[string]any:
		v = maps.Clone(v)
		v[steps[0].key] = replaceAt(v[steps[0].key], steps[1:], text)
		return v
	case []any:
		v = slices.Clone(v)
		v[steps[0].index] = replaceAt(v[steps[0].index], steps[1:], text)
		return v
	}
	return value
}

// edit replaces the texts that the path leads to, in any order. The result shares with value what is not
// changed; value is not modified.
func (p fieldPath) edit(value any, replace func(spot) (string, bool)) (any, bool) {
	return edit(value, p.segments, spot{}, replace)
}

func edit(value any, segments []segment, s spot, replace func(spot) (string, bool)) (any, bool) {
	if len(segments) == 0 {
		text, ok := value.(string)
		if !ok {
			return value, false
		}
		s.value = text
		return orSame(value)(replace(s))
	}

	step, rest := segments[0], segments[1:]
	switch step.kind {
	case stepElements:
		if elements, ok := value.([]any); ok {
			return editElements(elements, rest, s, replace)
		}
		return value, false
	case stepAnyDepth:
		here, changed := edit(value, rest, s, replace) // no level, then one and more
		deeper, also := editBelow(here, "*", segments, s, replace)
		return deeper, changed || also
	case stepKey:
	}
	if _, ok := value.(map[string]any); !ok {
		return value, false
	}
	return editBelow(value, step.key, rest, s, replace)
}

// orSame keeps a value that was not changed as it was.
func orSame(value any) func(string, bool) (any, bool) {
	return func(after string, changed bool) (any, bool) {
		if !changed {
			return value, false
		}
		return after, true
	}
}

// editBelow goes on below those keys of a map that match, and below all elements of a list.
func editBelow(value any, pattern string, rest []segment, s spot, replace func(spot) (string, bool)) (any, bool) {
	content, ok := value.(map[string]any)
	if !ok {
		elements, _ := value.([]any)
		if elements == nil {
			return value, false
		}
		return editElements(elements, rest, s, replace)
	}

	inner := s
	inner.around = append(s.around[:len(s.around):len(s.around)], content)
	var out map[string]any
	for key, below := range content {
		if !matches(pattern, key) {
			continue
		}
		inner.trail = &trail{up: s.trail, key: key}
		after, changed := edit(below, rest, inner, replace)
		if !changed {
			continue
		}
		if out == nil {
			out = maps.Clone(content)
		}
		out[key] = after
	}

	if out == nil {
		return value, false
	}
	return out, true
}

func editElements(elements []any, rest []segment, s spot, replace func(spot) (string, bool)) (any, bool) {
	inner := s
	var out []any
	for i, element := range elements {
		inner.trail = &trail{up: s.trail, element: true, index: i}
		after, changed := edit(element, rest, inner, replace)
		if !changed {
			continue
		}
		if out == nil {
			out = slices.Clone(elements)
		}
		out[i] = after
	}

	if out == nil {
		return elements, false
	}
	return out, true
}

func matches(pattern, key string) bool {
	if pattern == "*" || pattern == key {
		return true
	}
	ok, _ := path.Match(pattern, key) // parsePath has tried it
	return ok
}
