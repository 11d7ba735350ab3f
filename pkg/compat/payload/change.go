package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Op is what a change does.
type Op string

// The operations.
const (
	// Rename gives the value at Path the place To, within the same object.
	Rename Op = "rename"
	// Move takes the value from Path to To, making objects on the way.
	Move Op = "move"
	// Add puts Value at Path where nothing is.
	Add Op = "add"
	// Drop removes what is at Path, and reports it.
	Drop Op = "drop"
	// Map replaces the value at Path by what Value, a JSON object, maps its text to.
	// Strings are their own text, other values their canonical JSON. A value that is
	// not in the object stays.
	Map Op = "map"
)

// Change is one declared difference between two schema versions. Path and To are
// JSON pointers (RFC 6901) through objects, for example "/location/region". The
// fields are those of the change that an application declares in its contract.
type Change struct {
	Op    Op              `json:"op"`
	Path  string          `json:"path"`
	To    string          `json:"to,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	// Reason is for the people who read the report.
	Reason string `json:"reason,omitempty"`
}

// Dropped is a value that a change removed.
type Dropped struct {
	Path  string `json:"path"`
	Value any    `json:"value"`
}

var (
	// ErrChange says that a change is not well formed.
	ErrChange = errors.New("not a valid change")
	// ErrConflict says that a change would overwrite a value of the row.
	ErrConflict = errors.New("the row already has a value there")
)

// step is a change that was checked.
type step struct {
	op       Op
	path, to []string
	value    any
}

// parse checks a change: whatever parses can be applied to any row.
func (c Change) parse() (step, error) {
	s := step{op: c.Op}
	var err error
	if s.path, err = parsePointer(c.Path); err != nil {
		return step{}, err
	}

	switch c.Op {
	case Rename, Move:
		if s.to, err = parsePointer(c.To); err != nil {
			return step{}, err
		}
		if c.Op == Rename && !slices.Equal(s.path[:len(s.path)-1], s.to[:max(len(s.to)-1, 0)]) {
			return step{}, fmt.Errorf("%w: rename of %s to %s leaves the object; say move", ErrChange, c.Path, c.To)
		}
		if within(s.path, s.to) || within(s.to, s.path) {
			return step{}, fmt.Errorf("%w: %s and %s lie within one another", ErrChange, c.Path, c.To)
		}
	case Add, Map:
		if s.value, err = decodeValue(c.Value); err != nil {
			return step{}, fmt.Errorf("%w: value of %s: %w", ErrChange, c.Path, err)
		}
		if _, isObject := s.value.(map[string]any); c.Op == Map && !isObject {
			return step{}, fmt.Errorf("%w: map of %s needs an object from old to new values", ErrChange, c.Path)
		}
	case Drop:
	default:
		return step{}, fmt.Errorf("%w: unknown operation %q", ErrChange, c.Op)
	}

	return s, nil
}

// Check reports whether the change is well formed.
func (c Change) Check() error {
	_, err := c.parse()
	return err
}

// Apply returns the row after the changes, in order, and what they dropped. A
// field that a change names and the row does not have is no error: fields may be
// optional. The row itself stays as it is.
func Apply(changes []Change, row map[string]any) (map[string]any, []Dropped, error) {
	out := map[string]any{}
	if copied, ok := clone(row).(map[string]any); ok {
		out = copied
	}
	var dropped []Dropped

	for i, c := range changes {
		s, err := c.parse()
		if err != nil {
			return nil, nil, fmt.Errorf("change %d: %w", i, err)
		}
		value, lost, err := s.apply(out)
		if err != nil {
			return nil, nil, fmt.Errorf("change %d (%s %s): %w", i, c.Op, c.Path, err)
		}
		if lost {
			dropped = append(dropped, Dropped{Path: c.Path, Value: value})
		}
	}

	return out, dropped, nil
}

// apply carries out the step on a row that it may modify, and returns the value
// that was dropped.
func (s step) apply(row map[string]any) (dropped any, lost bool, err error) {
	value, present := lookup(row, s.path)
	switch s.op {
	case Rename, Move:
		if !present {
			return nil, false, nil
		}
		if _, taken := lookup(row, s.to); taken {
			return nil, false, fmt.Errorf("%s: %w", formatPointer(s.to), ErrConflict)
		}
		remove(row, s.path)
		return nil, false, put(row, s.to, value)
	case Add:
		if present {
			return nil, false, nil
		}
		return nil, false, put(row, s.path, clone(s.value))
	case Drop:
		remove(row, s.path)
		return value, present, nil
	case Map:
		if !present {
			return nil, false, nil
		}
		text, isText := value.(string)
		if !isText {
			encoded, err := appendValue(nil, value, 0)
			if err != nil {
				return nil, false, err
			}
			text = string(encoded)
		}
		table, _ := s.value.(map[string]any)
		if replacement, ok := table[text]; ok {
			return nil, false, put(row, s.path, clone(replacement))
		}
	}

	return nil, false, nil
}

// decodeValue reads one JSON value by the rules of [DecodeRow].
func decodeValue(data []byte) (any, error) {
	wrapped := slices.Concat([]byte(`{"value":`), bytes.TrimSpace(data), []byte(`}`))
	row, err := DecodeRow(wrapped)
	if err != nil {
		return nil, err
	}
	if len(row) != 1 {
		return nil, fmt.Errorf("%w: not one value", ErrRow)
	}
	return row["value"], nil
}

// parsePointer splits a JSON pointer. The empty pointer, which is the complete row,
// is refused: no change replaces a row.
func parsePointer(s string) ([]string, error) {
	rest, ok := strings.CutPrefix(s, "/")
	if !ok {
		return nil, fmt.Errorf("%w: path %q is no JSON pointer such as /location/region", ErrChange, s)
	}
	path := strings.Split(rest, "/")
	for i, token := range path {
		plain := strings.NewReplacer("~0", "", "~1", "").Replace(token)
		if strings.Contains(plain, "~") {
			return nil, fmt.Errorf("%w: path %q: a tilde is written ~0", ErrChange, s)
		}
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return path, nil
}

func formatPointer(path []string) string {
	var b strings.Builder
	for _, token := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
	}
	return b.String()
}

// within reports whether inner is outer or below it.
func within(inner, outer []string) bool {
	return len(inner) >= len(outer) && slices.Equal(inner[:len(outer)], outer)
}

func lookup(row map[string]any, path []string) (any, bool) {
	for _, name := range path[:len(path)-1] {
		row, _ = row[name].(map[string]any)
	}
	value, ok := row[path[len(path)-1]]
	return value, ok
}

// remove takes the value away and leaves the objects around it, even empty ones.
func remove(row map[string]any, path []string) {
	for _, name := range path[:len(path)-1] {
		row, _ = row[name].(map[string]any)
	}
	delete(row, path[len(path)-1])
}

// put stores the value and makes the objects on the way.
func put(row map[string]any, path []string, value any) error {
	for i, name := range path[:len(path)-1] {
		inner, ok := row[name].(map[string]any)
		if !ok {
			if _, taken := row[name]; taken {
				return fmt.Errorf("%s is no object: %w", formatPointer(path[:i+1]), ErrConflict)
			}
			inner = map[string]any{}
			row[name] = inner
		}
		row = inner
	}
	row[path[len(path)-1]] = value
	return nil
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = clone(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	default:
		return value
	}
}
