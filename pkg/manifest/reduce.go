package manifest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/appbur/appbur"
)

// Reduced is what the rules leave of one live object.
type Reduced struct {
	// Decision says whether the object would be saved, and why.
	Decision Decision
	// Content is what [Decode] would read in the manifest that [Rules.Make] makes of the
	// object, nil when it is not saved. It shares what the rules leave as it is with the
	// object and must not be changed.
	Content map[string]any
	// SecretPaths are those of the manifest.
	SecretPaths [][]string
}

// Reduce does what [Rules.Make] does for those who compare objects and need no file: it writes no
// YAML, and keeps nothing of what it takes out. It succeeds on every object on which Make does.
func (r *Rules) Reduce(obj map[string]any) (reduced Reduced, err error) {
	err = appbur.Guard(func() error {
		reduced, err = r.reduceOne(obj)
		return err
	})
	return reduced, err
}

func (r *Rules) reduceOne(obj map[string]any) (Reduced, error) {
	o, err := newObject(obj)
	if err != nil {
		return Reduced{}, err
	}
	kind := r.forKind(o.id.GroupKind())
	reduced := Reduced{Decision: kind.decide(o)}
	if !reduced.Decision.Saved {
		return reduced, nil
	}

	content := kind.strip(o, false, nil)
	reduced.SecretPaths = kind.secretPaths(o, content)
	if reduced.Content, _, err = decodedMap(content, 0); err != nil {
		return Reduced{}, fmt.Errorf("%s: %w", o.id, err)
	}
	return reduced, nil
}

// decoded returns a value as it is after [Encode] and [Decode], and whether that is another one.
// These change nothing but the types of numbers, and make empty what is nil; what they refuse is
// refused. Most objects come from JSON and are in this form, so that nothing is copied.
func decoded(value any, depth int) (now any, changed bool, err error) {
	switch v := value.(type) {
	case nil, bool, int64:
		return value, false, nil
	case int:
		return int64(v), true, nil
	case float64:
		return decodedFloat(v)
	case string:
		if !utf8.ValidString(v) {
			return nil, false, fmt.Errorf("%w: text is not UTF-8", ErrNotEncodable)
		}
		return value, false, nil
	case map[string]any:
		return decodedMap(v, depth)
	case []any:
		return decodedList(v, depth)
	default:
		return nil, false, fmt.Errorf("%w: a value has type %T", ErrNotEncodable, value)
	}
}

func decodedMap(fields map[string]any, depth int) (now map[string]any, changed bool, err error) {
	if len(fields) == 0 {
		return map[string]any{}, fields == nil, nil
	}
	if depth >= maxDepth {
		return nil, false, errTooDeep
	}

	now = fields
	for key, child := range fields {
		if !utf8.ValidString(key) {
			return nil, false, fmt.Errorf("%w: a key is not UTF-8", ErrNotEncodable)
		}
		childNow, differs, err := decoded(child, depth+1)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", clip(key), err)
		}
		if differs && !changed {
			now, changed = maps.Clone(fields), true
		}
		if differs {
			now[key] = childNow
		}
	}

	return now, changed, nil
}

func decodedList(elements []any, depth int) (now []any, changed bool, err error) {
	if len(elements) == 0 {
		return []any{}, elements == nil, nil
	}
	if depth >= maxDepth {
		return nil, false, errTooDeep
	}

	now = elements
	for i, child := range elements {
		childNow, differs, err := decoded(child, depth+1)
		if err != nil {
			return nil, false, fmt.Errorf("[%d]: %w", i, err)
		}
		if differs && !changed {
			now, changed = slices.Clone(elements), true
		}
		if differs {
			now[i] = childNow
		}
	}

	return now, changed, nil
}

// decodedFloat makes an integer of a number that is written as one.
func decodedFloat(f float64) (now any, changed bool, err error) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, false, fmt.Errorf("%w: %v is no JSON number", ErrNotEncodable, f)
	case f != math.Trunc(f) || math.Abs(f) >= beyondInt64:
		return f, false, nil
	case f == 0:
		return int64(0), true, nil // also the zero that has a sign
	}
	// Not a conversion: the digits that are written are the fewest that mean this number,
	// filled up with zeros.
	whole, err := strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, 64)
	return whole, true, err
}
