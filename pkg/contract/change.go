package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check refuses changes that mean nothing.
func (c Change) check() error {
	path, err := parsePointer(c.Path)
	if err != nil {
		return err
	}

	switch c.Op {
	case OpRename, OpMove:
		to, err := parsePointer(c.To)
		if err != nil {
			return err
		}
		if c.Op == OpRename && !slices.Equal(path[:len(path)-1], to[:len(to)-1]) {
			return fmt.Errorf("rename of %s to %s changes the object: use move", c.Path, c.To)
		}
		if within(to, path) || within(path, to) {
			return fmt.Errorf("%s and %s lie within one another", c.Path, c.To)
		}
	case OpAdd:
		if !json.Valid(c.Value) {
			return fmt.Errorf("add at %s: the value is not JSON", c.Path)
		}
	case OpMap:
		var table map[string]json.RawMessage
		if err := json.Unmarshal(c.Value, &table); err != nil {
			return fmt.Errorf("map at %s: the value is not a JSON object: %w", c.Path, err)
		}
	case OpDrop:
	default:
		return fmt.Errorf("unknown operation %q", c.Op)
	}

	return nil
}

// apply carries out one change. A path that leads nowhere changes nothing: a
// field that may be absent is absent afterwards, too.
func (c Change) apply(row map[string]any) error {
	path, err := parsePointer(c.Path)
	if err != nil {
		return err
	}

	switch c.Op {
	case OpRename, OpMove:
		to, err := parsePointer(c.To)
		if err != nil {
			return err
		}
		value, ok := lookup(row, path)
		if !ok {
			return nil
		}
		if _, taken := lookup(row, to); taken {
			return fmt.Errorf("%s %s to %s: there is a value already", c.Op, c.Path, c.To)
		}
		remove(row, path)
		return put(row, to, value)
	case OpAdd:
		if _, taken := lookup(row, path); taken {
			return nil
		}
		value, err := decodeValue(c.Value)
		if err != nil {
			return err
		}
		return put(row, path, value)
	case OpDrop:
		remove(row, path)
		return nil
	case OpMap:
		return c.applyMap(row, path)
	default:
		return fmt.Errorf("unknown operation %q", c.Op)
	}
}

func (c Change) applyMap(row map[string]any, path []string) error {
	value, ok := lookup(row, path)
	if !ok {
		return nil
	}

	text, ok := value.(string)
	if !ok {
		const name, before, after = "v", `{"v":`, `}`
		wrapped, err := encodeRow(map[string]any{name: value})
		if err != nil {
			return fmt.Errorf("map at %s: %w", c.Path, err)
		}
		text = string(wrapped[len(before) : len(wrapped)-len(after)])
	}

	var table map[string]json.RawMessage
	if err := json.Unmarshal(c.Value, &table); err != nil {
		return fmt.Errorf("map at %s: %w", c.Path, err)
	}
	replacement, ok := table[text]
	if !ok {
		return nil
	}
	mapped, err := decodeValue(replacement)
	if err != nil {
		return err
	}
	return put(row, path, mapped)
}

// parsePointer splits a JSON Pointer (RFC 6901). The empty pointer, which is the
// complete row, is refused: no change replaces a row.
func parsePointer(s string) ([]string, error) {
	rest, ok := strings.CutPrefix(s, "/")
	if !ok {
		return nil, fmt.Errorf("path %q: want a JSON Pointer such as /location/region", s)
	}
	tokens := strings.Split(rest, "/")
	for i, token := range tokens {
		for j := range len(token) {
			if token[j] == '~' && (j+1 == len(token) || (token[j+1] != '0' && token[j+1] != '1')) {
				return nil, fmt.Errorf("path %q: a tilde must be written ~0", s)
			}
		}
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

func formatPointer(path []string) string {
	var b strings.Builder
	for _, token := range path {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// within reports whether inner is outer or below it.
func within(inner, outer []string) bool {
	return len(inner) >= len(outer) && slices.Equal(inner[:len(outer)], outer)
}

func lookup(row map[string]any, path []string) (any, bool) {
	for _, name := range path[:len(path)-1] {
		inner, ok := row[name].(map[string]any)
		if !ok {
			return nil, false
		}
		row = inner
	}
	value, ok := row[path[len(path)-1]]
	return value, ok
}

// remove takes the value away and leaves the objects around it, even empty ones.
func remove(row map[string]any, path []string) {
	for _, name := range path[:len(path)-1] {
		inner, ok := row[name].(map[string]any)
		if !ok {
			return
		}
		row = inner
	}
	delete(row, path[len(path)-1])
}

// put stores the value and makes the objects on the way.
func put(row map[string]any, path []string, value any) error {
	for i, name := range path[:len(path)-1] {
		inner, ok := row[name].(map[string]any)
		if !ok {
			if _, taken := row[name]; taken {
				return fmt.Errorf("%s is not an object", formatPointer(path[:i+1]))
			}
			inner = map[string]any{}
			row[name] = inner
		}
		row = inner
	}
	row[path[len(path)-1]] = value
	return nil
}

// encodeRow writes a row in canonical form.
func encodeRow(row map[string]any) (Row, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(row); err != nil {
		return nil, fmt.Errorf("encoding a row: %w", err)
	}
	return Canonical(text.Bytes())
}

// decodeValue reads one JSON value and keeps numbers as they are written.
func decodeValue(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("decoding a value: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("decoding a value: something follows it")
	}
	return value, nil
}
