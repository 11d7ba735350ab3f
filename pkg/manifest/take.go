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
	report func(Taken)
	// all is true when noise is reported, too.
	all bool
	way trail
	// own holds the addresses of the maps that are copies and may be changed. The
	// object keeps its own maps alive, so an address cannot come to mean one of them.
	own []uintptr
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
		return t.takeDeep(value, steps)
	case s.each:
		list, _ := value.([]any)
		return t.takeEach(list, steps)
	default:
		fields, _ := value.(map[string]any)
		return t.takeKey(fields, steps)
	}
}

func (t *taker) takeKey(fields map[string]any, steps []step) any {
	key := steps[0].key
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
	changed := false
	for i, element := range list {
		t.way = append(t.way, place{container: list, index: i})
		kept, keep := element, true
		if len(steps) == 1 {
			keep = !t.takes(element)
		} else if below := t.take(element, steps[1:]); below != unchanged {
			kept = below
			if !changed {
				rest, changed = slices.Clone(list[:i]), true
			}
		}
		t.leave()
		if !keep && !changed {
			rest, changed = slices.Clone(list[:i]), true
		}
		if changed && keep {
			rest = append(rest, kept)
		}
	}
	if !changed {
		return unchanged
	}
	if rest == nil {
		rest = []any{}
	}
	return rest
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
			below := t.deeper(place{container: container, key: key}, child, steps)
			if below == unchanged {
				continue
			}
			if rest == nil {
				rest = t.writable(container)
			}
			rest[key] = below
		}
		if rest != nil {
			return rest
		}
	case []any:
		var rest []any
		for i, child := range container {
			below := t.deeper(place{container: container, index: i}, child, steps)
			if below == unchanged {
				continue
			}
			if rest == nil {
				rest = slices.Clone(container)
			}
			rest[i] = below
		}
		if rest != nil {
			return rest
		}
	}
	return result
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
	if t.rule.Index || t.all {
		t.report(Taken{Path: t.way.String(), Value: value, Rule: t.rule})
	}
	return true
}
