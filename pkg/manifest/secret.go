package manifest

import (
	"maps"
	"slices"
)

// secretPaths returns where the rules see secrets in the content, which is that of
// the object or what is left of it: sorted, none a prefix of another.
func (k *kindRules) secretPaths(o *object, content map[string]any) [][]string {
	if len(k.secrets) == 0 {
		return nil
	}
	var found [][]string

	whole := subject{object: o, value: o.content}
	for _, rule := range k.secrets {
		if rule.When != nil && !rule.When.holds(whole) {
			continue
		}
		if rule.Always {
			found = append(found, rule.always)
			continue
		}
		found = secretsBelow(content, rule.steps, nil, found)
	}

	slices.SortFunc(found, slices.Compare)
	kept := found[:0]
	for _, path := range found {
		if len(kept) == 0 || !hasPrefix(path, kept[len(kept)-1]) {
			kept = append(kept, path)
		}
	}

	return kept
}

// secretsBelow follows the steps through the value. A path ends where it enters a
// list that the steps lead into.
func secretsBelow(value any, steps []step, way []string, found [][]string) [][]string {
	if len(steps) == 0 {
		return append(found, slices.Clone(way))
	}

	if s := steps[0]; s.each {
		if list, ok := value.([]any); ok && slices.ContainsFunc(list, func(element any) bool {
			return s.into(element) && len(secretsBelow(element, steps[1:], way, nil)) > 0
		}) {
			return append(found, slices.Clone(way))
		}
		return found
	}

	if list, ok := value.([]any); ok && steps[0].deep {
		if slices.ContainsFunc(list, func(element any) bool { return len(secretsBelow(element, steps, way, nil)) > 0 }) {
			return append(found, slices.Clone(way))
		}
		return found
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return found
	}

	switch s := steps[0]; {
	case s.deep:
		found = secretsBelow(value, steps[1:], way, found)
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			if len(way) > 0 || !identityKeys[key] {
				found = secretsBelow(fields[key], steps, append(way, key), found)
			}
		}
	case s.glob:
		for key, child := range fields {
			if matches(s.key, key) && (len(way) > 0 || !identityKeys[key]) {
				found = secretsBelow(child, steps[1:], append(way, key), found)
			}
		}
	default:
		if child, ok := fields[s.key]; ok {
			found = secretsBelow(child, steps[1:], append(way, s.key), found)
		}
	}

	return found
}

// identityKeys are the keys at the root that patterns of secrets do not match.
var identityKeys = map[string]bool{"apiVersion": true, "kind": true, "metadata": true}

func hasPrefix(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}

// public returns a value that was taken out of the place where keys lead, without
// what is secret in it, and the paths of that. ok is false when nothing is left.
func public(value any, keys []string, inList bool, secret [][]string) (left any, withheld []string, ok bool) {
	left, ok = value, true
	for _, path := range secret {
		switch {
		case hasPrefix(keys, path) || inList && hasPrefix(path, keys):
			return nil, []string{dotted(keys)}, false
		case hasPrefix(path, keys):
			if without, had := withoutKey(left, path[len(keys):]); had {
				left, withheld = without, append(withheld, dotted(path))
			}
		}
	}
	return left, withheld, ok
}

// withoutKey returns a copy of the value without what is at the path, and whether
// there was something.
func withoutKey(value any, path []string) (any, bool) {
	fields, _ := value.(map[string]any)
	child, ok := fields[path[0]]
	if !ok {
		return value, false
	}
	if len(path) == 1 {
		rest := maps.Clone(fields)
		delete(rest, path[0])
		return rest, true
	}
	below, ok := withoutKey(child, path[1:])
	if !ok {
		return value, false
	}
	rest := maps.Clone(fields)
	rest[path[0]] = below
	return rest, true
}

// dotted writes keys as a path.
func dotted(keys []string) string {
	way := make(trail, len(keys))
	for i, key := range keys {
		way[i] = place{key: key}
	}
	return way.String()
}

// mapKeys returns the keys on the way up to the first list, and whether there is one.
func (t trail) mapKeys() ([]string, bool) {
	keys := make([]string, 0, len(t))
	for _, p := range t {
		if _, list := p.container.([]any); list {
			return keys, true
		}
		keys = append(keys, p.key)
	}
	return keys, false
}
