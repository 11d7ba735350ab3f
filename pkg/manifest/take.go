package manifest

import (
	"maps"
	"reflect"
	"slices"
)

// taker applies field rules to one object, one after the other. It copies the
// containers along the way to what it takes, each once, and shares all others.
type taker struct {
	object *object
	rule   *FieldRule
	// report is nil when nobody asks what is taken.
	report func(Taken)
	// all is true when noise is reported, too.
	all bool
	way trail
	// own holds the addresses of the maps that are copies and may be changed. The
	// object keeps its own maps alive, so an address cannot come to mean one of them.
	own []uintptr
	// origins says of a list that lost elements which position each of the others
	// had; the key is the address of its first element.
	origins map[*any][]int
}

// writable returns the map itself when it is a copy, and a copy otherwise.
func (t *taker) writable(fields map[string]any) map[string]any {
	if slices.Contains(t.own, reflect.ValueOf(fields).Pointer()) {
		return fields
	}
	copied := maps.Clone(fields)
	t.own = append(t.own, reflect.ValueOf(copied).Pointer())
	return copied
}

// unchanged is returned by take for values that stay as they are. It is compared
// by identity, so no value of an object can be mistaken for it.
var unchanged any = new(struct{ byte })

// take returns the value without what the steps lead to. It returns an untyped
// value that is no map when nothing was taken.
func (t *taker) take(value any, steps []step) any {
	switch s := steps[0]; {
	case s.deep:
		if last := steps[len(steps)-1]; last.plain() && !hasKey(value, last.key) {
			return unchanged
		}
		return t.takeDeep(value, steps)
	case s.each:
		list, _ := value.([]any)
		return t.takeEach(list, steps)
	case s.glob:
		fields, _ := value.(map[string]any)
		return t.takeKeys(fields, steps)
	default:
		fields, _ := value.(map[string]any)
		return t.takeKey(fields, s.key, steps)
	}
}

// takeKeys goes through all keys that a pattern matches.
func (t *taker) takeKeys(fields map[string]any, steps []step) any {
	result := unchanged
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !matches(steps[0].key, key) {
			continue
		}
		if rest := t.takeKey(fields, key, steps); rest != unchanged {
			result = rest
			fields, _ = rest.(map[string]any)
		}
	}
	return result
}

func (t *taker) takeKey(fields map[string]any, key string, steps []step) any {
	child, ok := fields[key]
	if !ok {
		return unchanged
	}
	t.way = append(t.way, place{container: fields, key: key})
	defer t.leave()

	if len(steps) == 1 {
		if !t.takes(child) {
			return unchanged
		}
		rest := t.writable(fields)
		delete(rest, key)
		return rest
	}

	below := t.take(child, steps[1:])
	if below == unchanged {
		return unchanged
	}
	rest := t.writable(fields)
	if t.rule.Prune && blank(below) {
		delete(rest, key)
	} else {
		rest[key] = below
	}
	return rest
}

func (t *taker) takeEach(list []any, steps []step) any {
	var rest []any
	var positions []int
	before := t.positions(list)
	changed := false
	var container any = list // boxed once

	for i, element := range list {
		if !steps[0].into(element) {
			if changed {
				rest, positions = append(rest, element), append(positions, before.at(i))
			}
			continue
		}
		t.way = append(t.way, place{container: container, index: i, position: before.at(i)})
		kept, keep, differs := element, true, false
		if len(steps) == 1 {
			keep = !t.takes(element)
		} else if below := t.take(element, steps[1:]); below != unchanged {
			kept, differs = below, true
		}
		t.leave()
		if !changed && (!keep || differs) {
			rest, changed = slices.Clone(list[:i]), true
			for k := range i {
				positions = append(positions, before.at(k))
			}
		}
		if changed && keep {
			rest, positions = append(rest, kept), append(positions, before.at(i))
		}
	}

	if !changed {
		return unchanged
	}
	if rest == nil {
		rest = []any{}
	}
	if before != nil || len(rest) != len(list) {
		t.remember(rest, positions)
	}
	return rest
}

// origin says which position each element of a list had at first; nil means the
// one that it has.
type origin []int

func (o origin) at(i int) int {
	if o == nil {
		return i
	}
	return o[i]
}

func (t *taker) positions(list []any) origin {
	if len(list) == 0 {
		return nil
	}
	return t.origins[&list[0]]
}

func (t *taker) remember(list []any, positions []int) {
	if len(list) == 0 || positions == nil {
		return
	}
	if t.origins == nil {
		t.origins = make(map[*any][]int)
	}
	t.origins[&list[0]] = positions
}

// takeDeep tries the steps after "**" here and in everything below.
func (t *taker) takeDeep(value any, steps []step) any {
	result := t.take(value, steps[1:])
	from := value
	if result != unchanged {
		from = result
	}

	switch container := from.(type) {
	case map[string]any:
		var rest map[string]any
		for key, child := range container {
			below := t.deeper(place{container: from, key: key}, child, steps)
			if below == unchanged {
				continue
			}
			if rest == nil {
				rest = t.writable(container)
			}
			if t.rule.Prune && blank(below) {
				delete(rest, key)
			} else {
				rest[key] = below
			}
		}
		if rest != nil {
			return rest
		}
	case []any:
		var rest []any
		for i, child := range container {
			below := t.deeper(place{container: from, index: i, position: t.positions(container).at(i)}, child, steps)
			if below == unchanged {
				continue
			}
			if rest == nil {
				rest = slices.Clone(container)
				t.remember(rest, t.positions(container))
			}
			rest[i] = below
		}
		if rest != nil {
			return rest
		}
	}

	return result
}

// hasKey reports whether some map in the value has the key. Looking is much cheaper
// than going, and nearly every object has none.
func hasKey(value any, key string) bool {
	switch v := value.(type) {
	case map[string]any:
		if _, ok := v[key]; ok {
			return true
		}
		for _, child := range v {
			switch child.(type) {
			case map[string]any, []any:
				if hasKey(child, key) {
					return true
				}
			}
		}
	case []any:
		for _, child := range v {
			if hasKey(child, key) {
				return true
			}
		}
	}

	return false
}

func (t *taker) deeper(p place, child any, steps []step) any {
	switch child.(type) {
	case map[string]any, []any:
	default:
		return unchanged
	}
	t.way = append(t.way, p)
	defer t.leave()
	return t.takeDeep(child, steps)
}

func (t *taker) leave() { t.way = t.way[:len(t.way)-1] }

func (t *taker) takes(value any) bool {
	if t.rule.When != nil && !t.rule.When.holds(subject{object: t.object, value: value, at: t.way}) {
		return false
	}
	if t.report != nil && (t.all || t.rule.Index && !harvested(t.rule.As)) {
		t.report(Taken{Path: t.way.String(), Value: value, Rule: t.rule, way: t.way})
	}
	return true
}

// Taken is one value that a field rule took out of an object.
type Taken struct {
	// Path says where the value was, for example "spec.ports[0].nodePort". Numbers
	// count the elements of the live object, for values in the index without the
	// elements that were dropped as noise.
	Path string
	// Value is shared with the object; it must not be changed.
	Value any
	// Rule is the rule that took it.
	Rule *FieldRule

	way trail
}
