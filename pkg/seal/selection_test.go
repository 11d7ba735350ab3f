package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/seal"
)

// custom has secrets where no Secret has them. The values that are secret say so.
const custom = `apiVersion: example.org/v1
kind: Database
metadata:
  annotations:
    example.org/note: clear note
    example.org/token: SECRET token
  name: main
  namespace: team
spec:
  admin:
    name: SECRET admin
    password: SECRET password
    port: 5432
    ratio: 0.25
    sides: [1, 2.5, true, null, SECRET]
    tls: true
  replicas: 3
  users:
    - name: clear user
      password: SECRET in a list
      limit: 10
  name: SECRET short name
`

func sealPaths(t testing.TB, s *seal.Sealer, plain string, previous []byte, paths ...string) []byte {
	t.Helper()
	sealed, err := s.SealManifestPaths([]byte(plain), previous, split(paths...))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// split writes paths as "a>b".
func split(paths ...string) [][]string {
	list := make([][]string, len(paths))
	for i, path := range paths {
		list[i] = strings.Split(path, ">")
	}
	return list
}

func TestSelections(t *testing.T) {
	k := keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)

	for _, test := range []struct {
		name, plain string
		paths       []string
		regex       string
		clear       []string // values that stay readable
		hidden      []string // values that do not
	}{
		{
			name: "a Secret", plain: "data: {a: SECRET}\nkind: Secret\nmetadata: {name: x}\n", paths: []string{"data", "stringData"},
			regex: seal.EncryptedRegex, hidden: []string{"SECRET"},
		},
		{
			name: "an annotation", plain: custom, paths: []string{"metadata>annotations>example.org/token"},
			regex: `^(example\.org/token)$`, clear: []string{"clear note", "5432"}, hidden: []string{"SECRET token"},
		},
		{
			name: "a field", plain: custom, paths: []string{"spec>admin>port"},
			regex: `^(port)$`, clear: []string{"SECRET admin", "0.25"}, hidden: []string{"5432"},
		},
		{
			name: "a field whose name others have", plain: custom, paths: []string{"spec>admin>password"},
			regex: `^(password)$`, clear: []string{"clear user", "SECRET admin"}, hidden: []string{"SECRET password", "SECRET in a list"},
		},
		{
			name: "a subtree with numbers, booleans and a list", plain: custom, paths: []string{"spec>admin"},
			regex: `^(admin)$`, clear: []string{"clear user"}, hidden: []string{"SECRET admin", "SECRET password", "5432", "0.25", "2.5"},
		},
		{
			name: "a list", plain: custom, paths: []string{"spec>users"},
			regex: `^(users)$`, clear: []string{"SECRET admin"}, hidden: []string{"clear user", "SECRET in a list"},
		},
		{
			name: "a name, which stands for what is above it", plain: custom, paths: []string{"spec>name"},
			regex: `^(spec)$`, clear: []string{"clear note"}, hidden: []string{"SECRET short name", "5432", "clear user"},
		},
		{
			name: "the deeper of two keys that select the same", plain: "kind: X\nspec: {a: {b: SECRET}}\n", paths: []string{"spec>a>b"},
			regex: `^(b)$`, hidden: []string{"SECRET"},
		},
		{
			name: "the key that hides less", plain: "kind: X\nspec: {a: {value: SECRET}, b: {value: clear one}, c: {value: clear two}}\n",
			paths: []string{"spec>a>value"},
			regex: `^(a)$`, clear: []string{"clear one", "clear two"}, hidden: []string{"SECRET"},
		},
		{
			name: "a path that leads nowhere", plain: custom, paths: []string{"spec>absent", "spec>admin>port"},
			regex: `^(absent|port)$`, clear: []string{"SECRET admin"}, hidden: []string{"5432"},
		},
		{
			name:  "keys that regular expressions read otherwise",
			plain: "data: {'a.b*c': SECRET one, 'a+': SECRET two, axbc: clear, \"č\\n\\\"\": SECRET three}\nkind: ConfigMap\n",
			paths: []string{"data>a.b*c", "data>a+", "data>č\n\""},
			regex: "^(a\\+|a\\.b\\*c|č\n\")$", clear: []string{"clear"}, hidden: []string{"SECRET one", "SECRET two", "SECRET three"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sealed := sealPaths(t, s, test.plain, nil, test.paths...)
			if got := parse(t, sealed)["sops"].(map[string]any)["encrypted_regex"]; got != test.regex {
				t.Errorf("encrypted_regex is %q, want %q", got, test.regex)
			}
			for _, text := range test.clear {
				if !bytes.Contains(sealed, []byte(text)) {
					t.Errorf("%q is hidden in\n%s", text, sealed)
				}
			}
			for _, text := range test.hidden {
				if bytes.Contains(sealed, []byte(text)) {
					t.Errorf("%q is in clear in\n%s", text, sealed)
				}
			}
			opened, err := opener(t, k).OpenManifest(sealed)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parse(t, []byte(test.plain)), parse(t, opened)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := sealPaths(t, s, test.plain, sealed, test.paths...); !bytes.Equal(again, sealed) {
				t.Error("sealed again, the bytes differ")
			}
		})
	}
}

func TestSelectionsThatCannotBe(t *testing.T) {
	k := keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)

	for _, paths := range [][]string{
		{"kind"},
		{"apiVersion"},
		{"metadata"},
		{"metadata>name"},
		{"metadata>namespace"},
		{"name"},
		{"spec>admin", "metadata>name"},
	} {
		sealed, err := s.SealManifestPaths([]byte(custom), nil, split(paths...))
		if !errors.Is(err, seal.ErrUnsupported) || appbur.HintOf(err) == "" {
			t.Errorf("%v: %v, want ErrUnsupported with a hint\n%s", paths, err, sealed)
		}
	}

	if _, err := s.SealManifestPaths([]byte(custom), nil, nil); !errors.Is(err, seal.ErrUnsupported) {
		t.Errorf("without a path: %v", err)
	}
	if _, err := s.SealManifestPaths([]byte(custom), nil, [][]string{{}}); !errors.Is(err, seal.ErrUnsupported) {
		t.Errorf("the empty path: %v", err)
	}
}

// A value that becomes secret is sealed although the manifest did not change: the
// file from before, in which it is clear, does not count.
func TestAnotherSelectionIsSealedAnew(t *testing.T) {
	k := keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)
	before := sealPaths(t, s, custom, nil, "spec>admin")
	after := sealPaths(t, s, custom, before, "spec>admin", "metadata>annotations>example.org/token")
	if bytes.Contains(after, []byte("SECRET token")) {
		t.Errorf("the annotation is in clear:\n%s", after)
	}
	// An object that holds the line of another selection in its text does not
	// have its own file kept for it.
	plain := "data:\n  a: |\n    sops:\n      encrypted_regex: ^(b)$\n  b: SECRET\nkind: ConfigMap\n"
	before = sealPaths(t, s, plain, nil, "data>a")
	if after := sealPaths(t, s, plain, before, "data>b"); bytes.Contains(after, []byte("SECRET")) {
		t.Errorf("b is in clear:\n%s", after)
	}
}

func TestResealManifest(t *testing.T) {
	old, next := keys(t), keys(t)
	before := sealPaths(t, sealer(t, old.FingerprintKey, old.Recipient), custom, nil, "spec>admin", "spec>name")
	same := func(opened []byte) ([]byte, error) { return []byte(custom), nil }
	s := sealer(t, next.FingerprintKey, next.Recipient)
	after, err := s.ResealManifest(before, opener(t, old), same)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := opener(t, old).OpenManifest(after); !errors.Is(err, seal.ErrNoIdentityMatch) {
		t.Errorf("the old key opens it: %v", err)
	}
	opened, err := opener(t, next).OpenManifest(after)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, []byte(custom)), parse(t, opened)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// What the next backup seals is this file.
	if kept := sealPaths(t, s, custom, after, "spec>admin", "spec>name"); !bytes.Equal(kept, after) {
		t.Error("the next backup seals it anew")
	}
	if _, err := s.ResealManifest(before, opener(t, next), same); !errors.Is(err, seal.ErrNoIdentityMatch) {
		t.Errorf("without the old key: %v", err)
	}
	failed := errors.New("not canonical")
	if _, err := s.ResealManifest(before, opener(t, old), func([]byte) ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Errorf("the error of canonical is lost: %v", err)
	}
	if got := opener(t, old).Recipients(); len(got) != 1 || got[0] != old.Recipient {
		t.Errorf("recipients of the opener: %v", got)
	}
}

func TestSecretPathsOfASealedManifest(t *testing.T) {
	k := keys(t)
	s := sealer(t, k.FingerprintKey, k.Recipient)
	for _, test := range []struct{ named, want []string }{
		{[]string{"spec>admin"}, []string{"spec>admin"}},
		{[]string{"spec>admin>password"}, []string{"spec>admin>password", "spec>users>password"}},
		{[]string{"spec>name"}, []string{"spec"}},
		{[]string{"absent", "metadata>annotations>example.org/token"}, []string{"metadata>annotations>example.org/token"}},
	} {
		got, err := seal.ReadSealed(sealPaths(t, s, custom, nil, test.named...))
		if diff := cmp.Diff(split(test.want...), got.Secrets); diff != "" || err != nil {
			t.Errorf("%v: %v (-want +got):\n%s", test.named, err, diff)
		}
		if got.Content["kind"] != "Database" || got.Content[appbur.SealedKey] != nil {
			t.Errorf("%v: %v", test.named, got.Content)
		}
	}
	if _, err := seal.ReadSealed([]byte(custom)); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("a plain manifest: %v", err)
	}
}

// An object that is a SOPS file in the cluster already is not taken for one that
// appbur sealed.
func TestSopsObjectsAreNotSealed(t *testing.T) {
	object := "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\nmetadata:\n  name: x\nsops:\n  lastmodified: \"2026-01-01T00:00:00Z\"\n  mac: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nspec:\n  secretTemplates: []\n"
	if seal.IsSealed([]byte(object)) {
		t.Error("a SopsSecret is taken for a sealed manifest")
	}
	k := keys(t)
	_, err := sealer(t, k.FingerprintKey, k.Recipient).SealManifestPaths([]byte(object), nil, split("spec"))
	if !errors.Is(err, seal.ErrFormat) || appbur.HintOf(err) == "" {
		t.Errorf("sealing it: %v", err)
	}
}

// Whatever is named secret in whatever document, nothing below it is in clear, what
// the object is stays readable, and it opens to what was sealed.
func TestAnySelectionHoldsItsSecrets(t *testing.T) {
	k := keys(t)
	s, o := sealer(t, k.FingerprintKey, k.Recipient), opener(t, k)

	key := rapid.SampledFrom([]string{"a", "b", "name", "kind", "spec", "data", "metadata", "x.y/z", "č \"\n"})
	rapid.Check(t, func(t *rapid.T) {
		count := 0 // tells values apart
		var value func(depth int) *rapid.Generator[any]
		value = func(depth int) *rapid.Generator[any] {
			leaf := rapid.Custom(func(t *rapid.T) any {
				count++
				return fmt.Sprintf("value-%d-%s", count, rapid.StringMatching(`[a-z]?`).Draw(t, "letter"))
			})
			other := rapid.SampledFrom([]any{nil, true, 7, 0.5, ""})
			if depth == 0 {
				return rapid.OneOf(leaf, other)
			}
			return rapid.OneOf(leaf, other,
				rapid.Custom(func(t *rapid.T) any { return rapid.MapOfN(key, value(depth-1), 0, 4).Draw(t, "map") }),
				rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "list") }))
		}
		object := map[string]any{"apiVersion": "v1", "kind": "identity-kind", "metadata": map[string]any{"name": "identity-name"}}
		for _, field := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"spec", "data", "a", "b"}), 1, 4, rapid.ID).Draw(t, "fields") {
			object[field] = value(3).Draw(t, field)
		}
		fields := slices.DeleteFunc(slices.Sorted(maps.Keys(object)),
			func(key string) bool { return key == "apiVersion" || key == "kind" || key == "metadata" })
		paths := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []string {
			path := []string{rapid.SampledFrom(fields).Draw(t, "field")}
			for at, ok := object[path[0]].(map[string]any); ok && len(at) > 0 && rapid.Bool().Draw(t, "deeper"); {
				next := rapid.SampledFrom(slices.Sorted(maps.Keys(at))).Draw(t, "key")
				path = append(path, next)
				at, ok = at[next].(map[string]any)
			}
			return path
		}), 1, 3).Draw(t, "paths")
		plain, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := s.SealManifestPaths(plain, nil, paths)
		if err != nil {
			t.Fatalf("%v:\n%s", err, plain)
		}
		for _, path := range paths {
			var at any = object
			for _, key := range path {
				at = at.(map[string]any)[key]
			}
			for _, text := range texts(at) {
				if bytes.Contains(sealed, []byte(text)) {
					t.Fatalf("%q below %q is in clear:\n%s", text, path, sealed)
				}
			}
		}
		for _, text := range []string{"identity-kind", "identity-name"} {
			if !bytes.Contains(sealed, []byte(text)) {
				t.Fatalf("%q is hidden:\n%s", text, sealed)
			}
		}
		opened, err := o.OpenManifest(sealed)
		if err != nil {
			t.Fatalf("%v:\n%s", err, sealed)
		}
		var want, got map[string]any
		if err := errors.Join(yaml.Unmarshal(plain, &want), yaml.Unmarshal(opened, &got)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if again, err := s.SealManifestPaths(plain, sealed, paths); err != nil || !bytes.Equal(again, sealed) {
			t.Fatalf("sealed again, the bytes differ (%v)", err)
		}
	})
}

// texts returns the generated strings in a value.
func texts(value any) []string {
	var found []string
	switch v := value.(type) {
	case string:
		if v != "" {
			found = append(found, v)
		}
	case map[string]any:
		for _, child := range v {
			found = append(found, texts(child)...)
		}
	case []any:
		for _, child := range v {
			found = append(found, texts(child)...)
		}
	}
	return found
}
