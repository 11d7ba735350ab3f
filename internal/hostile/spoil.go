package hostile

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Spoil returns a copy of the object in which up to six places are not as anybody
// expects. The identity (apiVersion, kind, name and namespace) stays, unless the
// luck of the draw says otherwise. The result depends on nothing but the source.
func Spoil(object map[string]any, luck *rand.Rand) map[string]any {
	identity := map[string]any{}
	for _, key := range []string{"apiVersion", "kind"} {
		identity[key] = object[key]
	}
	metadata, _ := object["metadata"].(map[string]any)

	var spoiled any = object
	for range 1 + luck.IntN(6) {
		spoiled = somewhere(spoiled, luck)
	}
	out, ok := spoiled.(map[string]any)
	if !ok || out == nil {
		out = map[string]any{"spec": spoiled}
	}
	if luck.IntN(8) == 0 {
		return out
	}

	out = maps.Clone(out)
	maps.Copy(out, identity)
	inner, _ := out["metadata"].(map[string]any)
	inner = maps.Clone(inner)
	if inner == nil {
		inner = map[string]any{}
	}
	for _, key := range []string{"name", "namespace"} {
		delete(inner, key)
		if value, ok := metadata[key]; ok {
			inner[key] = value
		}
	}
	out["metadata"] = inner
	return out
}

// somewhere returns a copy of the value that is spoiled at one place.
func somewhere(value any, luck *rand.Rand) any {
	if luck.IntN(5) == 0 {
		return odd(luck)
	}

	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			return odd(luck)
		}
		out := maps.Clone(v)
		key := slices.Sorted(maps.Keys(v))[luck.IntN(len(v))]
		switch luck.IntN(10) {
		case 0:
			delete(out, key)
		case 1:
			out[""] = odd(luck)
		default:
			out[key] = somewhere(v[key], luck)
		}
		return out
	case []any:
		if len(v) == 0 {
			return odd(luck)
		}
		out := slices.Clone(v)
		i := luck.IntN(len(v))
		switch luck.IntN(10) {
		case 0:
			out = slices.Delete(out, i, i+1)
		case 1:
			out = append(out, out[i])
		default:
			out[i] = somewhere(v[i], luck)
		}
		return out
	}

	return odd(luck)
}

// odd returns a value that is rarely the right one.
func odd(luck *rand.Rand) any {
	values := []any{
		nil, "", "x", "a/b/c/d", "\x00\u0085\ufeff", strings.Repeat("long", 500), true, false,
		int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), 0.5, -1e300,
		[]any{},
		[]any{nil},
		[]any{[]any{[]any{}}},
		[]any{"x", int64(1), map[string]any{}},
		map[string]any{},
		map[string]any{"": nil},
		map[string]any{"name": map[string]any{}, "kind": []any{}, "apiVersion": int64(1)},
		map[string]any{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": ""},
		map[string]any(nil), []any(nil),
	}
	return values[luck.IntN(len(values))]
}
