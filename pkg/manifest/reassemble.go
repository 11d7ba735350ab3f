package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotMatching is wrapped by the errors of [Reassemble] about a manifest and an
// entry that do not belong together, or a manifest that was edited since.
var ErrNotMatching = errors.New("manifest and index entry do not match")

// Reassemble puts a manifest and its index entry together again. The result is the
// live object without what rules dropped as noise and without secrets that the entry
// withholds; finalizers may be in another order. manifest is not modified. Uids,
// addresses and owners in the result are those of the cluster of the entry.
func Reassemble(manifest map[string]any, e Entry) (map[string]any, error) {
	obj, _ := clone(manifest).(map[string]any)
	if obj == nil {
		return nil, fmt.Errorf("%w: there is no manifest", ErrNotMatching)
	}
	metadata, _ := obj["metadata"].(map[string]any)
	if metadata == nil {
		return nil, fmt.Errorf("%w: the manifest has no metadata", ErrNotMatching)
	}
	if e.UID != "" {
		metadata["uid"] = e.UID
	}
	if !e.Created.IsZero() {
		metadata["creationTimestamp"] = e.Created.UTC().Format(time.RFC3339Nano)
	}

	if len(e.Owners) > 0 {
		owners := make([]any, len(e.Owners))
		for i, owner := range e.Owners {
			owners[i] = owner.reference()
		}
		metadata["ownerReferences"] = owners
	}

	if len(e.Finalizers) > 0 {
		finalizers, _ := metadata["finalizers"].([]any)
		for _, name := range e.Finalizers {
			finalizers = append(finalizers, name)
		}
		metadata["finalizers"] = finalizers
	}

	if len(e.Status) > 0 {
		status, err := decodeJSON(e.Status)
		if err != nil {
			return nil, fmt.Errorf("index status: %w", err)
		}
		obj["status"] = status
	}

	return reassembleFields(obj, e.Fields)
}

func (o Owner) reference() map[string]any {
	reference := map[string]any{"apiVersion": o.APIVersion, "kind": o.Kind, "name": o.Name, "uid": o.UID}
	if o.Controller != nil {
		reference["controller"] = *o.Controller
	}
	if o.BlockOwnerDeletion != nil {
		reference["blockOwnerDeletion"] = *o.BlockOwnerDeletion
	}
	return reference
}

// reassembleFields puts values back in the order of their paths, complete values before
// their parts and elements of lists before the ones after them.
func reassembleFields(obj map[string]any, fields map[string]json.RawMessage) (map[string]any, error) {
	type field struct {
		path string
		way  []link
	}

	ordered := make([]field, 0, len(fields))
	for path := range fields {
		way, err := parseTrail(path)
		if err != nil {
			return nil, err
		}
		ordered = append(ordered, field{path, way})
	}

	slices.SortFunc(ordered, func(a, b field) int { return slices.CompareFunc(a.way, b.way, link.compare) })
	for _, f := range ordered {
		value, err := decodeJSON(fields[f.path])
		if err != nil {
			return nil, fmt.Errorf("index field %s: %w", f.path, err)
		}
		if _, err := putBack(obj, f.way, value); err != nil {
			return nil, fmt.Errorf("index field %s: %w", f.path, err)
		}
	}

	return obj, nil
}

// putBack returns the container with the value at the end of the way. Maps are
// changed in place; lists may be replaced.
func putBack(container any, way []link, value any) (any, error) {
	if len(way) == 0 {
		return value, nil
	}

	next, last := way[0], len(way) == 1
	if next.list {
		list, ok := container.([]any)
		switch {
		case container != nil && !ok:
			return nil, fmt.Errorf("%w: there is no list to put element %d into", ErrNotMatching, next.index)
		case last && next.index <= len(list):
			return slices.Insert(list, next.index, value), nil
		case next.index >= len(list):
			return nil, fmt.Errorf("%w: a list has %d elements only", ErrNotMatching, len(list))
		}
		below, err := putBack(list[next.index], way[1:], value)
		if err != nil {
			return nil, err
		}
		list[next.index] = below
		return list, nil
	}

	fields, ok := container.(map[string]any)
	if container != nil && !ok {
		return nil, fmt.Errorf("%w: there is no map to put %s into", ErrNotMatching, next.key)
	}
	if fields == nil {
		fields = make(map[string]any)
	}

	if _, taken := fields[next.key]; taken && last {
		return nil, fmt.Errorf("%w: the manifest has a value there", ErrNotMatching)
	}
	below, err := putBack(fields[next.key], way[1:], value)
	if err != nil {
		return nil, err
	}
	fields[next.key] = below
	return fields, nil
}

// link is one step of a path as [trail.String] writes it.
type link struct {
	key   string
	index int
	list  bool
}

func (l link) compare(other link) int {
	return cmp.Or(cmp.Compare(l.index, other.index), strings.Compare(l.key, other.key))
}

func parseTrail(path string) ([]link, error) {
	var way []link
	rest := path
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, `["`):
			key, after, ok := quotedKey(rest)
			if !ok {
				return nil, fmt.Errorf("index path %q: a quoted key does not end", path)
			}
			way, rest = append(way, link{key: key}), after
		case rest[0] == '[':
			number, after, _ := strings.Cut(rest[1:], "]")
			index, err := strconv.Atoi(number)
			if err != nil || index < 0 {
				return nil, fmt.Errorf("index path %q: %q is no position", path, number)
			}
			way, rest = append(way, link{index: index, list: true}), after
		default:
			rest = strings.TrimPrefix(rest, ".")
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, fmt.Errorf("index path %q has an empty key", path)
			}
			way, rest = append(way, link{key: rest[:end]}), rest[end:]
		}
	}

	if len(way) == 0 {
		return nil, errors.New("index path is empty")
	}
	return way, nil
}

func decodeJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return numbers(value)
}

// clone copies a value with all below it.
func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		copied := maps.Clone(v)
		for key, child := range copied {
			copied[key] = clone(child)
		}
		return copied

	case []any:
		copied := slices.Clone(v)
		for i, child := range copied {
			copied[i] = clone(child)
		}
		return copied
	default:
		return value
	}
}
