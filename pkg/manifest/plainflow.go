package manifest

import (
	"bytes"
	"strings"
)

// flow reads a list or a map in one line.
func flow(text []byte, depth int) (value any, rest []byte, ok bool) {
	if depth > plainDepth {
		return nil, nil, false
	}
	switch text[0] {
	case '[':
		return flowList(text[1:], depth)
	case '{':
		return flowMap(text[1:], depth)
	case '"', '\'':
		return quoted(text)
	}
	end := 0
	for end < len(text) && (isLetter(text[end]) || text[end] >= '0' && text[end] <= '9' || strings.IndexByte("_./-", text[end]) >= 0) {
		end++
	}
	if end == 0 || text[0] == '-' && end == 1 {
		return nil, nil, false
	}
	value, ok = plainValue(text[:end])
	return value, text[end:], ok
}

// flowNext skips spaces, and wants something after them.
func flowNext(text []byte) ([]byte, bool) {
	text = bytes.TrimLeft(text, " ")
	return text, len(text) > 0
}

func flowList(text []byte, depth int) (any, []byte, bool) {
	items := []any{}
	for {
		var ok bool
		if text, ok = flowNext(text); !ok {
			return nil, nil, false
		}
		if text[0] == ']' && len(items) == 0 {
			return items, text[1:], true
		}
		value, rest, ok := flow(text, depth+1)
		if !ok {
			return nil, nil, false
		}
		items = append(items, value)
		if text, ok = flowNext(rest); !ok {
			return nil, nil, false
		}
		switch text[0] {
		case ']':
			return items, text[1:], true
		case ',':
			text = text[1:]
		default:
			return nil, nil, false
		}
	}
}

func flowMap(text []byte, depth int) (any, []byte, bool) {
	object := map[string]any{}
	for {
		var ok bool
		if text, ok = flowNext(text); !ok {
			return nil, nil, false
		}
		if text[0] == '}' && len(object) == 0 {
			return object, text[1:], true
		}
		key, value, ok := plainKey(text)
		if !ok || len(value) == 0 {
			return nil, nil, false
		}
		if _, twice := object[string(key)]; twice {
			return nil, nil, false
		}
		inner, rest, ok := flow(value, depth+1)
		if !ok {
			return nil, nil, false
		}

		object[string(key)] = inner
		if text, ok = flowNext(rest); !ok {
			return nil, nil, false
		}
		switch text[0] {
		case '}':
			return object, text[1:], true
		case ',':
			text = text[1:]
		default:
			return nil, nil, false
		}
	}
}
