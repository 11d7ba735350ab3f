package restore

// Nested fields of unstructured content. All readers tolerate content of any
// shape: what is missing or of another type reads as the zero value, because a
// manifest that the server would refuse must be refused by the server, with its
// words, and not by a panic here.

func field(value any, path ...string) any {
	for _, key := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}

func text(value any, path ...string) string {
	s, _ := field(value, path...).(string)
	return s
}

func dict(value any, path ...string) map[string]any {
	m, _ := field(value, path...).(map[string]any)
	return m
}

func list(value any, path ...string) []any {
	l, _ := field(value, path...).([]any)
	return l
}

// with returns a copy of content in which the field at path has the value; only
// the maps along the path are copied, all else is shared and must not be written.
func with(content map[string]any, value any, path ...string) map[string]any {
	out := make(map[string]any, len(content)+1)
	for k, v := range content {
		out[k] = v
	}
	if len(path) == 1 {
		out[path[0]] = value
		return out
	}
	out[path[0]] = with(dict(content, path[0]), value, path[1:]...)
	return out
}

// without returns a copy of content without the field at path, or content
// itself when it has no such field.
func without(content map[string]any, path ...string) map[string]any {
	shorter, _ := cut(content, path)
	return shorter
}

// cut is without, and reports whether there was anything to take out.
func cut(content map[string]any, path []string) (map[string]any, bool) {
	current, ok := content[path[0]]
	if !ok {
		return content, false
	}
	if len(path) > 1 {
		inner, ok := current.(map[string]any)
		if !ok {
			return content, false
		}
		shorter, ok := cut(inner, path[1:])
		if !ok {
			return content, false
		}
		return with(content, shorter, path[0]), true
	}

	out := make(map[string]any, len(content))
	for k, v := range content {
		if k != path[0] {
			out[k] = v
		}
	}
	return out, true
}
