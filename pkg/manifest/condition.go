package manifest

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Condition says when a rule applies. The conditions of this package are the only
// ones; they are data, so a rule set can be printed, compared and versioned.
type Condition interface {
	// String writes the condition for people. Different conditions of one rule set
	// must have different texts: the version of the set is computed from them.
	String() string
	holds(s subject) bool
}

// subject is what a condition looks at: the object, and the value inside it that
// the rule is about (the complete content for object rules).
type subject struct {
	object *object
	value  any
	at     trail
}

// Is holds when the text of the value at Path matches one of Values, in which "*"
// and "?" stand for any characters but "/". Booleans and integers have their
// usual text. An empty Path means the value itself. Values of lists match when any
// element does, if Path goes through a list.
type Is struct {
	Path   string
	Values []string
}

func (c Is) String() string {
	subject := c.Path
	if subject == "" {
		subject = "value"
	}
	return subject + " is " + strings.Join(c.Values, " or ")
}

func (c Is) holds(s subject) bool {
	return anyAt(s.value, cachedPath(c.Path), func(v any) bool {
		text, ok := textOf(v)
		return ok && slices.ContainsFunc(c.Values, func(pattern string) bool { return matches(pattern, text) })
	})
}

// Has holds when there is a value at Path, null included.
type Has struct{ Path string }

func (c Has) String() string { return "has " + c.Path }

func (c Has) holds(s subject) bool {
	return anyAt(s.value, cachedPath(c.Path), func(any) bool { return true })
}

// Blank holds when there is nothing at Path, or null, or an empty map, list or
// text. An empty Path means the value itself.
type Blank struct{ Path string }

func (c Blank) String() string {
	if c.Path == "" {
		return "value is blank"
	}
	return c.Path + " is blank"
}

func (c Blank) holds(s subject) bool {
	return !anyAt(s.value, cachedPath(c.Path), func(v any) bool { return !blank(v) })
}

// Only holds when the map at Path has no keys but Keys. An absent map has none.
type Only struct {
	Path string
	Keys []string
}

func (c Only) String() string { return c.Path + " has only " + strings.Join(c.Keys, ", ") }

func (c Only) holds(s subject) bool {
	return !anyAt(s.value, cachedPath(c.Path), func(v any) bool {
		m, ok := v.(map[string]any)
		if !ok {
			return v != nil
		}
		for key := range m {
			if !slices.Contains(c.Keys, key) {
				return true
			}
		}
		return false
	})
}

// Null holds when the value that the rule is about is null.
type Null struct{}

func (Null) String() string       { return "value is null" }
func (Null) holds(s subject) bool { return s.value == nil }

// All holds when each condition holds.
type All []Condition

func (c All) String() string { return "(" + join(c, " and ") + ")" }

func (c All) holds(s subject) bool {
	return !slices.ContainsFunc(c, func(each Condition) bool { return !each.holds(s) })
}

// Any holds when one of the conditions holds.
type Any []Condition

func (c Any) String() string { return "(" + join(c, " or ") + ")" }

func (c Any) holds(s subject) bool {
	return slices.ContainsFunc(c, func(each Condition) bool { return each.holds(s) })
}

// Not holds when the condition does not.
type Not struct{ Condition Condition }

func (c Not) String() string       { return "not " + c.Condition.String() }
func (c Not) holds(s subject) bool { return !c.Condition.holds(s) }

// Within turns to the complete object, for a field rule whose condition is about more
// than the value.
type Within struct{ Condition Condition }

func (c Within) String() string { return "in the object, " + c.Condition.String() }

func (c Within) holds(s subject) bool {
	return c.Condition.holds(subject{object: s.object, value: s.object.content})
}

// Element holds when the condition holds for one element of the list at Path.
type Element struct {
	Path      string
	Condition Condition
}

func (c Element) String() string { return "an element of " + c.Path + " has " + c.Condition.String() }

func (c Element) holds(s subject) bool {
	return anyAt(s.value, cachedPath(c.Path), func(v any) bool {
		list, _ := v.([]any)
		return slices.ContainsFunc(list, func(element any) bool {
			return c.Condition.holds(subject{object: s.object, value: element})
		})
	})
}

// Controlled holds when the object has a controlling owner of one of the Kinds,
// which are written as in rules. No kinds means any kind.
type Controlled struct{ Kinds []string }

func (c Controlled) String() string {
	if len(c.Kinds) == 0 {
		return "controlled by an owner"
	}
	return "controlled by " + strings.Join(c.Kinds, " or ")
}

func (c Controlled) holds(s subject) bool {
	owner := s.object.controller()
	if owner == nil {
		return false
	}
	gk := ownerKind(owner)
	return len(c.Kinds) == 0 || slices.ContainsFunc(c.Kinds, func(selector string) bool { return selects(selector, gk) })
}

// WrittenOnlyBy holds when every field manager of the object is one of Managers
// ("*" and "?" allowed). An object without managed fields has no other writer that
// could be proven, so it holds.
type WrittenOnlyBy struct{ Managers []string }

func (c WrittenOnlyBy) String() string {
	return "written only by " + strings.Join(c.Managers, " or ")
}

func (c WrittenOnlyBy) holds(s subject) bool {
	for _, fields := range s.object.managedFields() {
		if !matchesAny(c.Managers, fields["manager"]) {
			return false
		}
	}
	return true
}

// WrittenBy holds when one of the field managers of the object is one of Managers.
type WrittenBy struct{ Managers []string }

func (c WrittenBy) String() string { return "written by " + strings.Join(c.Managers, " or ") }

func (c WrittenBy) holds(s subject) bool {
	return slices.ContainsFunc(s.object.managedFields(), func(fields map[string]any) bool {
		return matchesAny(c.Managers, fields["manager"])
	})
}

// Requested holds when a field manager owns the field that the rule is about: a
// client set it. Values that the server allocates by itself have no owner.
type Requested struct{}

func (Requested) String() string { return "requested by a client" }

func (Requested) holds(s subject) bool {
	for _, fields := range s.object.managedFields() {
		if set, ok := fields["fieldsV1"].(map[string]any); ok && ownsField(set, s.at) {
			return true
		}
	}
	return false
}

func matchesAny(patterns []string, value any) bool {
	text, ok := value.(string)
	return ok && slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, text) })
}

// matches compares literally where the pattern has no special character, which is
// the usual case and the quick one.
func matches(pattern, text string) bool {
	if !strings.ContainsAny(pattern, `*?`) {
		return pattern == text
	}
	ok, err := path.Match(pattern, text)
	return err == nil && ok
}

func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	default:
		return "", false
	}
}

func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	default:
		return false
	}
}

// anyAt reports whether some value that the steps lead to passes the test.
func anyAt(value any, steps []step, test func(any) bool) bool {
	if len(steps) == 0 {
		return test(value)
	}
	if s := steps[0]; s.each {
		list, _ := value.([]any)
		return slices.ContainsFunc(list, func(element any) bool { return s.into(element) && anyAt(element, steps[1:], test) })
	}
	m, ok := value.(map[string]any)
	if !ok {
		return false
	}

	if steps[0].glob {
		for key, next := range m {
			if matches(steps[0].key, key) && anyAt(next, steps[1:], test) {
				return true
			}
		}
		return false
	}

	next, ok := m[steps[0].key]
	return ok && anyAt(next, steps[1:], test)
}

func join(conditions []Condition, separator string) string {
	texts := make([]string, len(conditions))
	for i, c := range conditions {
		texts[i] = fmt.Sprint(c)
	}
	return strings.Join(texts, separator)
}
