package manifest

import (
	"fmt"
	"reflect"
	"testing"

	goccy "github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// checkYAML12 checks that a reader of YAML 1.2, which shares no code with the two of
// YAML 1.1, reads the same values.
func checkYAML12(t failer, data []byte, want map[string]any) {
	t.Helper()
	var read map[string]any
	if err := goccy.Unmarshal(data, &read); err != nil {
		t.Fatalf("goccy/go-yaml: %v\n%s", err, data)
	}
	if got := normal12(read); !reflect.DeepEqual(got, any(want)) {
		t.Fatalf("goccy/go-yaml reads something else (-want +got):\n%s\n%s", cmp.Diff(any(want), got), data)
	}
}

// normal12 brings the types of goccy/go-yaml into those of Decode.
func normal12(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, child := range v {
			out[key] = normal12(child)
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, child := range v {
			out[fmt.Sprint(key)] = normal12(child)
		}
		return out

	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = normal12(child)
		}
		return out
	case uint64:
		if v <= 1<<63-1 {
			return int64(v)
		}
		return float64(v)
	default:
		return normal(value)
	}
}

func TestDisputedTextInYAML12(t *testing.T) {
	for _, text := range disputed {
		for _, obj := range []map[string]any{{"a": text}, {text: "a"}, {"a": []any{text}}, {"a": map[string]any{"b": text, "c": "d"}}} {
			data, err := Encode(obj)
			if err != nil {
				t.Fatal(err)
			}
			var read map[string]any
			if err := goccy.Unmarshal(data, &read); err != nil {
				t.Errorf("%q: %v", data, err)
				continue
			}
			if got := normal12(read); !reflect.DeepEqual(got, any(obj)) {
				t.Errorf("%q: read as %#v", data, got)
			}
		}
	}
}
