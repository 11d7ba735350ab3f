package history

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

func TestFields(t *testing.T) {
	for name, test := range map[string]struct {
		before, after string
		want          []FieldChange
	}{
		"equal": {"a: 1", "a: 1", nil},
		"value": {
			"spec: {replicas: 2}", "spec: {replicas: 3}",
			[]FieldChange{{Path: "spec.replicas", What: Changed, From: int64(2), To: int64(3)}},
		},
		"type":          {"a: '1'", "a: 1", []FieldChange{{Path: "a", What: Changed, From: "1", To: int64(1)}}},
		"added":         {"a: 1", "{a: 1, b: {c: 2}}", []FieldChange{{Path: "b", What: Added, To: map[string]any{"c": int64(2)}}}},
		"removed":       {"{a: 1, b: 2}", "a: 1", []FieldChange{{Path: "b", What: Removed, From: int64(2)}}},
		"key with dots": {"{m: {a.b/c: x}}", "{m: {a.b/c: z}}", []FieldChange{{Path: `m["a.b/c"]`, What: Changed, From: "x", To: "z"}}},
		"named element": {"c: [{name: a, image: x}, {name: b}]", "c: [{name: b}, {name: a, image: z}]", []FieldChange{
			{Path: "c", What: Reordered, From: []any{"a", "b"}, To: []any{"b", "a"}},
			{Path: "c[name=a].image", What: Changed, From: "x", To: "z"},
		}},
		"element added": {
			"c: [{name: a}]", "c: [{name: a}, {name: b}]",
			[]FieldChange{{Path: "c[name=b]", What: Added, To: map[string]any{"name": "b"}}},
		},
		"plain list": {
			"f: [a, b, c]", "f: [a, c, d]",
			[]FieldChange{{Path: "f[1]", What: Removed, From: "b"}, {Path: "f[2]", What: Added, To: "d"}},
		},
		"list of maps": {"r: [{verbs: [get]}]", "r: [{verbs: [get, list]}]", []FieldChange{{Path: "r[0].verbs[1]", What: Added, To: "list"}}},
		"names not alone": {
			"c: [{name: a, v: 1}, {name: a, v: 2}]", "c: [{name: a, v: 1}, {name: a, v: 3}]",
			[]FieldChange{{Path: "c[1].v", What: Changed, From: int64(2), To: int64(3)}},
		},
		"map for a value": {"a: 1", "a: {b: 1}", []FieldChange{{Path: "a", What: Changed, From: int64(1), To: map[string]any{"b": int64(1)}}}},
		"no YAML":         {"a: 1", "a: [", []FieldChange{{What: Changed}}},
		"empty":           {"a: {}", "a: []", []FieldChange{{Path: "a", What: Changed, From: map[string]any{}, To: []any{}}}},
		"to null":         {"a: 1", "a: null", []FieldChange{{Path: "a", What: Changed, From: int64(1)}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Fields([]byte(test.before), []byte(test.after))); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

const sealedFile = `apiVersion: v1
data:
  gone: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
  longer: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
  same: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]
kind: Secret
metadata:
  name: db
sops:
  age:
    - recipient: age1
      enc: |
        -----BEGIN AGE ENCRYPTED FILE-----
  mac: ENC[AES256_GCM,data:BBBB,iv:AAAA,tag:AAAA,type:str]
`

// Of sealed values only the fact that they changed is reported, if it is known.
func TestFieldsOfSealedFiles(t *testing.T) {
	after := strings.NewReplacer("  gone: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]\n", "",
		"longer: ENC[AES256_GCM,data:AAAA,iv:AAAA", "longer: ENC[AES256_GCM,data:AAAAAAAA,iv:CCCC",
		"same: ENC[AES256_GCM,data:AAAA", "same: ENC[AES256_GCM,data:DDDD", "BBBB", "EEEE", "kind:",
		"  new: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]\nkind:").Replace(sealedFile)
	want := []FieldChange{
		{Path: "data.gone", What: Removed, Encrypted: true},
		{Path: "data.longer", What: Changed, Encrypted: true},
		{Path: "data.new", What: Added, Encrypted: true},
		{Path: "data.same", What: Resealed, Encrypted: true},
	}
	if diff := cmp.Diff(want, Fields([]byte(sealedFile), []byte(after))); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if got := patch(Change{Path: "x", What: Changed, from: gitsync.Hash{1}, to: gitsync.Hash{2}}, []byte(sealedFile), []byte(after),
		false); strings.Contains(got, "AAAA") || !strings.Contains(got, resealed) {
		t.Errorf("patch:\n%s", got)
	}
}

func TestReadableHidesCiphertext(t *testing.T) {
	lines, numbers, sealed := Readable([]byte(sealedFile))
	var text strings.Builder
	for _, line := range lines {
		text.Write(line)
	}
	want := "apiVersion: v1\ndata:\n  gone: <encrypted>\n  longer: <encrypted>\n  same: <encrypted>\nkind: Secret\nmetadata:\n  name: db\n"
	if diff := cmp.Diff(want, text.String()); diff != "" || !sealed || numbers[7] != 8 || len(numbers) != 8 {
		t.Errorf("sealed %v, lines %v, text (-want +got):\n%s", sealed, numbers, diff)
	}

	// Pieces of payloads are sealed in another form.
	sealer, err := seal.NewSealer([]string{newRecipient(t)}, make([]byte, seal.FingerprintKeySize), rand.Reader, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	piece, err := sealer.SealPiece([]byte("row\n"), nil)
	if err != nil {
		t.Fatal(err)
	}

	if lines, _, sealed := Readable(piece); !sealed || string(bytes.Join(lines, nil)) != encrypted+"\n" {
		t.Errorf("a piece is shown as %q", lines)
	}
	if got := patch(Change{Path: "x", What: Added, to: gitsync.Hash{1}}, nil, piece, false); strings.Contains(got, string(piece[:20])) ||
		!strings.Contains(got, encrypted) {
		t.Errorf("the patch of a piece is %q", got)
	}
	if got := patch(Change{Path: "x", What: Added, to: gitsync.Hash{1}}, nil, []byte("a\x00b"), false); !strings.HasSuffix(got,
		"Binary files /dev/null and b/x differ\n") {
		t.Errorf("the patch of a binary file is %q", got)
	}

	// What is not sealed is shown as it is, whatever it looks like.
	plain := "a: ENC[AES256_GCM,data:AAAA,iv:A,tag:A,type:str]\n"
	if lines, _, sealed := Readable([]byte(plain)); sealed || string(lines[0]) != plain {
		t.Errorf("plain text became %q", lines)
	}
}

func newRecipient(t *testing.T) string {
	t.Helper()
	keys, err := seal.GenerateKeys(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	return keys.Recipient
}

// There are changed fields exactly when the content differs, and each names what is there.
func TestFieldsAreTheDifference(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		scalar := rapid.Custom(func(t *rapid.T) any {
			if rapid.Bool().Draw(t, "number") {
				return int64(rapid.IntRange(0, 3).Draw(t, "n"))
			}
			return rapid.SampledFrom([]string{"", "a", "b", "x\ny"}).Draw(t, "s")
		})
		if depth == 0 {
			return scalar
		}
		return rapid.OneOf(scalar,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 4), func(l []any) any { return append([]any{}, l...) }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"name", "a", "b.c", "d"}), value(depth-1), 0, 3),
				func(m map[string]any) any { return m }))
	}

	object := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), value(3), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		before, after := object.Draw(t, "before"), object.Draw(t, "after")
		encode := func(o map[string]any) []byte {
			data, err := manifest.Encode(o)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		got := Fields(encode(before), encode(after))
		if equal := reflect.DeepEqual(before, after); equal != (len(got) == 0) {
			t.Fatalf("equal is %v, and the fields are %v", equal, got)
		}
		for _, f := range got {
			if f.What == Changed && reflect.DeepEqual(f.From, f.To) || f.Path == "" {
				t.Fatalf("a field that did not change: %+v", f)
			}
		}

		// Lists can have more than one shortest difference: ["", {}, 0] and [{}, ""] have one of
		// two changes and one of three, and which one is found depends on the direction.
		back := Fields(encode(after), encode(before))
		if !holdsList(before) && !holdsList(after) && len(back) != len(got) {
			t.Fatalf("%d fields one way, %d the other:\n%v\n%v", len(got), len(back), got, back)
		}
	})
}

// holdsList reports whether there is a list anywhere in a value.
func holdsList(value any) bool {
	switch value := value.(type) {
	case []any:
		return true
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(value)), holdsList)
	}
	return false
}

func FuzzFields(f *testing.F) {
	f.Add([]byte("a: 1\n"), []byte("a: [1, {name: x}]\n"))
	f.Add([]byte(sealedFile), []byte(sealedFile))
	f.Add([]byte("- not a map\n"), []byte("{"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if fields := Fields(before, before); len(fields) != 0 {
			t.Errorf("a file differs from itself: %v", fields)
		}
		for _, field := range Fields(before, after) {
			if text := fmt.Sprint(field.From, field.To); field.Encrypted && text != "<nil> <nil>" {
				t.Errorf("an encrypted field is shown: %+v", field)
			}
		}
	})
}
