package manifest

import (
	"bytes"
	"testing"
)

func FuzzEncodeText(f *testing.F) {
	for _, text := range disputed {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, key, text string) {
		obj := map[string]any{"a": text, "b": []any{text, map[string]any{"c": text}}, "d": map[string]any{key: text}}
		if _, err := Encode(obj); err != nil {
			return // text that is not UTF-8
		}
		checkEncode(t, obj)
	})
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"a: b\n", "{}", "a: [1, 2.5, null, ~, yes]\n", `{"a": {"b": [1e3, "x"]}}`, "a: |\n  x\n  y\n", "a: &x {b: c}\nd: *x\n",
		"---\na: 1\n---\nb: 2\n", "# only a comment\n", "- a\n",
		"a: 0x1f\nb: 017\nc: 1_000\nd: 1:30\ne: .inf\n", "? a\n: b\n", "<<: {a: b}\n", "a: 99999999999999999999\n",
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		obj, err := Decode(data)
		if err != nil {
			return
		}
		first, err := Encode(obj)
		if err != nil {
			return // values that YAML has and manifests do not
		}
		back, err := Decode(first)
		if err != nil {
			t.Fatalf("canonical form of %q cannot be read: %v\n%s", data, err, first)
		}
		second, err := Encode(back)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("encoding is not idempotent (%v):\n%s\n%s", err, first, second)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	files, err := EncodeIndex(sampleIndex())
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(file.Path, file.Data)
	}
	f.Add("index/cluster/node.json", []byte(`{"group":"","kind":"Node","entries":{}}`))
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		checkIndexFile(t, path, data)
	})
}
