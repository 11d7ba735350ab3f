package restore

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appbur/appbur/internal/hostile"
)

// What is decoded is what was encoded, type by type: an integer stays one, and an empty map or
// list does not become nothing.
func TestContentComesBackAsItWas(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) any {
		return drawValue(t, 3)
	})
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOf(rapid.String(), value).Draw(t, "object")
		if got := ContentOf(object).Object(); !cmp.Equal(object, got) {
			t.Error(cmp.Diff(object, got))
		}
	})
}

func drawValue(t *rapid.T, depth int) any {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.String().AsAny(),
		rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) }).AsAny(),
	)
	if depth == 0 {
		return scalar.Draw(t, "scalar")
	}
	inner := rapid.Custom(func(t *rapid.T) any { return drawValue(t, depth-1) })
	return rapid.OneOf(
		scalar, rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny(), rapid.SliceOfN(inner, 0, 4).AsAny(),
	).Draw(t, "value")
}

func TestContentTakesWhatNobodyExpects(t *testing.T) {
	deep := map[string]any{}
	for range 9_000 { // deeper than readers of YAML go
		deep = map[string]any{"a": deep}
	}
	wide := map[string]any{}
	for i := range 200_000 {
		wide[strings.Repeat("k", 1+i%7)+string(rune('가'+i%10_000))] = int64(i)
	}

	for name, object := range map[string]map[string]any{
		"deep": deep, "wide": wide, "not UTF-8": {"a\xff": "\xc3\x28"}, "none": nil, "empty": {},
		"numbers": {"most": int64(math.MaxInt64), "least": int64(math.MinInt64), "round": 1.0, "small": math.SmallestNonzeroFloat64},
	} {
		if got := ContentOf(object).Object(); !cmp.Equal(object, got) {
			t.Errorf("%s is not as it was", name)
		}
	}

	usual := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"b": "c"}}
	luck := rand.New(rand.NewPCG(1, 2))
	for range 1_000 {
		spoilt := hostile.Spoil(usual, luck)
		got := ContentOf(spoilt).Object()
		if want, err := json.Marshal(spoilt); err == nil { // NaN is a float, and not JSON
			if is, err := json.Marshal(got); err != nil || !bytes.Equal(want, is) {
				t.Fatalf("%v: %s", err, cmp.Diff(spoilt, got))
			}
		}
	}
}

// Of two readers none sees what the other one does with the object.
func TestContentBelongsToItsReader(t *testing.T) {
	content := ContentOf(map[string]any{"a": map[string]any{"b": "c"}})
	content.Object()["a"].(map[string]any)["b"] = "d"
	if got := text(content.Object(), "a", "b"); got != "c" {
		t.Errorf("a reader changed it to %q", got)
	}
}

// Buffers are used again, objects are not: what was decoded before stays as it is.
func TestContentStaysWhenOthersAreRead(t *testing.T) {
	object := func(letter string) map[string]any {
		return map[string]any{
			strings.Repeat(letter, 40): strings.Repeat(letter, 400), "list": []any{letter, int64(1)}, "not UTF-8\xff": letter + "\xff",
		}
	}
	first := ContentOf(object("a"))
	got := first.Object()
	for _, letter := range []string{"b", "c", "d"} {
		ContentOf(object(letter)).Object()
	}
	if diff := cmp.Diff(object("a"), got); diff != "" {
		t.Errorf("it is another one after others were read: %s", diff)
	}
	if diff := cmp.Diff(object("a"), first.Object()); diff != "" {
		t.Errorf("its content is another one after others were encoded: %s", diff)
	}
}
