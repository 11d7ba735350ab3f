package manifest

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"
)

// checkReduce checks that an object is reduced to what its manifest says, and stays as it is.
func checkReduce(t failer, rules *Rules, obj map[string]any) {
	t.Helper()
	before := fmt.Sprintf("%#v", obj)
	result, err := rules.Make(obj)
	if err != nil {
		return // see TestReduceRefuses
	}
	reduced, err := rules.Reduce(obj)
	if err != nil {
		t.Fatalf("Reduce: %v", err)
	}
	if after := fmt.Sprintf("%#v", obj); after != before {
		t.Fatalf("Reduce changed the object (-before +after):\n%s", cmp.Diff(before, after))
	}
	if reduced.Decision != result.Decision {
		t.Fatalf("Reduce decides %v, Make %v", reduced.Decision, result.Decision)
	}

	var want map[string]any
	if result.Decision.Saved {
		if want, err = Decode(result.Manifest.Data); err != nil {
			t.Fatalf("Decode: %v\n%s", err, result.Manifest.Data)
		}
	}
	if !reflect.DeepEqual(reduced.Content, want) {
		t.Fatalf("the object is reduced to something else (-manifest +reduced):\n%s", cmp.Diff(want, reduced.Content))
	}
	if !reflect.DeepEqual(reduced.SecretPaths, result.Manifest.SecretPaths) {
		t.Fatalf("secret paths are %q, those of the manifest are %q", reduced.SecretPaths, result.Manifest.SecretPaths)
	}
}

// TestReducedIsWhatTheManifestSays draws objects with every value that a program can put into one.
func TestReducedIsWhatTheManifestSays(t *testing.T) {
	odd := rapid.SampledFrom([]any{
		1.0, math.Copysign(0, -1), float64(1 << 60), float64(1 << 62), float64(1 << 63), -float64(1 << 63), 1e21, 7,
		map[string]any(nil), []any(nil),
		map[string]any{},
		[]any{},
		nil,
		map[string]any{"a": 2.0},
		[]any{[]any{3.0}, nil},
	})
	rapid.Check(t, func(t *rapid.T) {
		obj, err := Decode([]byte(rapid.SampledFrom(shapes).Draw(t, "shape")))
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range objects().Draw(t, "more") {
			if _, taken := obj[key]; !taken && key != "metadata" {
				obj[key] = value
			}
		}

		for _, key := range []string{"spec", "status", "data", "stringData", "rules"} {
			if rapid.Bool().Draw(t, "odd "+key) {
				obj[key] = odd.Draw(t, key)
			}
		}
		obj["metadata"] = metadataOf().Draw(t, "metadata")
		checkReduce(t, Default(), obj)
	})
}

// TestReducedAsRecorded reduces every object that the rules are tested with.
func TestReducedAsRecorded(t *testing.T) {
	fields, err := filepath.Glob("testdata/fields/*.txtar")
	if err != nil || len(fields) == 0 {
		t.Fatalf("no examples of field rules (%v)", err)
	}
	var recorded [][]byte
	for _, path := range append(fields, "testdata/objects.txtar") {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			recorded = append(recorded, file.Data)
		}
	}

	speed, err := filepath.Glob("testdata/speed/*.yaml")
	if err != nil || len(speed) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	for _, path := range speed {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		recorded = append(recorded, data)
	}

	objects := 0
	for _, data := range recorded {
		object, err := Decode(data)
		if err != nil || object["kind"] == nil {
			continue // what the rules should make of an object
		}
		objects++
		checkReduce(t, Default(), object)
	}
	if objects < 100 {
		t.Errorf("there are %d recorded objects only", objects)
	}
}

// TestReduceRefuses refuses what cannot be written, as Make does.
func TestReduceRefuses(t *testing.T) {
	deep := map[string]any{}
	for range maxDepth {
		deep = map[string]any{"a": deep}
	}
	for name, value := range map[string]any{
		"NaN": math.NaN(), "infinity": math.Inf(1), "a type that JSON does not have": []string{"b"}, "text that is not UTF-8": "\xff",
		"key that is not UTF-8": map[string]any{"\xff": "a"}, "in a list": []any{"a", math.NaN()}, "bottomless": deep,
		"bottomless list": []any{deep},
	} {
		object := terse("v1 ConfigMap a b")
		object["data"] = map[string]any{"a": value}
		_, errMake := Default().Make(object)
		if _, err := Default().Reduce(object); !errors.Is(err, ErrNotEncodable) || !errors.Is(errMake, ErrNotEncodable) {
			t.Errorf("%s: errors %v and %v do not wrap ErrNotEncodable", name, err, errMake)
		}
	}

	if _, err := Default().Reduce(map[string]any{"kind": "ConfigMap"}); !errors.Is(err, ErrNotObject) {
		t.Errorf("error %v does not wrap ErrNotObject", err)
	}
}
