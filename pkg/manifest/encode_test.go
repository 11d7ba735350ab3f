package manifest

import (
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files")

// disputed are texts that YAML readers disagree about, or that are hard to write.
var disputed = []string{
	"", " ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", "a\r\nb", "a\n", "a\n\n", "a\n\n\n", "\na", "\n\na\n", " a", "a ", " a\nb", "a\n b",
	"\ta\nb", "a\n\tb",
	"a \nb", "a\n \nb", "a\n  ", "a\n  \n", "a\n\t\n", "a\n ", "\n a\nb", "a\nb\n c\n  d\n",
	"y", "Y", "n", "N", "yes", "Yes", "YES", "no", "on", "off", "Off", "true", "True", "false", "null", "Null", "NULL", "~", "nan", "inf",
	".inf", "-.Inf", ".NaN",
	"0", "1", "-1", "+1", "00", "007", "0o7", "0x1f", "0X1F", "0b11", "017", "1e3", "1E3", "1e+3", "1.5", "1.", ".5", "-.5", "1_000",
	"1_000.5", "1,000", "1:30", "190:20:30", "190:20:30.15",
	"0x", "0xg", "1e", "e1", "1.2.3", "1.24.17", "10.0.0.1", "10.0.0.0/8", "::1", "fe80::1", "12e03", "5f2", "123abc", "1Gi", "10m", "30s",
	"1h30m",
	"2001-01-01", "2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2024-11-21T03:02:38Z",
	"=", "<<", "<", "<<:", "-", "--", "---", "...", "- a", "-a", "? a", "?", ":", "a:", "a: b", "a:b", "a :b", ": a", "#", "# a", "a #b",
	"a# b", "a#b",
	"&a", "*a", "!a", "!!str a", "|", ">", "|-", "%a", "%YAML 1.2", "@a", "`a", "'", "''", "\"", "\"\"", "'a'", "\"a\"", "a'b", "a\"b", "\\",
	"\\n", "a\\b",
	"[", "]", "[]", "{", "}", "{}", "[a]", "{a: b}", ",", "a,b", "a, b", "{{ .Values.x }}", "$(VAR)", "${VAR}",
	"é", "日本語", "😀", "a😀b", "👩‍👩‍👧", "a\nb😀\n", "\u0080", "\u0085", "a\u0085b", "a\nb\u0085c", "\u00a0", "\u2028", "a\u2029b", "\ufeff",
	"\ufeffa", "a\n\ufeffb", "\ufffd", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff",
	"\x00", "a\x00b", "\x01", "\x1b[0m", "\x7f", "a\nb\x7f", "\v", "\f",
	"key: value\nlist:\n- a\n- b\n", "#!/bin/sh\necho hi\n", "---\na: b\n---\nc: d\n",
	"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	"system:node", "http://example.org:80/a?b=c#d", "nginx:1.25", "/var/run/x", "a/b", "A sentence, with a comma; and (more).",
}

func TestEncodeGivesBackDisputedText(t *testing.T) {
	for _, text := range disputed {
		shapes := []map[string]any{
			{"a": text},
			{text: "a"},
			{"a": map[string]any{"b": text, "c": "d"}},
			{"a": []any{text, "b"}},
			{"a": []any{[]any{text}, []any{"b", text}}},
			{"a": []any{map[string]any{text: text, "z": "y"}}},
			{"a": map[string]any{text: map[string]any{text: []any{text}}}},
		}
		for _, shape := range shapes {
			checkEncode(t, shape)
		}
	}
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// checkEncode checks what Encode promises about one object.
func checkEncode(t failer, obj map[string]any) {
	t.Helper()
	data, err := Encode(obj)
	if err != nil {
		t.Fatalf("Encode(%#v): %v", obj, err)
	}
	want := normal(obj).(map[string]any)

	got, err := Decode(data)
	if err != nil {
		t.Fatalf("Decode: %v\n%s", err, data)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("Decode gives back something else (-want +got):\n%s\n%s", cmp.Diff(want, got), data)
	}
	again, err := Encode(got)
	if err != nil || string(again) != string(data) {
		t.Fatalf("encoding again gives other bytes (%v):\n%s\n%s", err, data, again)
	}

	var v3 map[string]any
	if err := yaml.Unmarshal(data, &v3); err != nil {
		t.Fatalf("go-yaml v3: %v\n%s", err, data)
	}
	if got := normal(v3); !reflect.DeepEqual(got, any(want)) {
		t.Fatalf("go-yaml v3 reads something else (-want +got):\n%s\n%s", cmp.Diff(any(want), got), data)
	}
	var sigs map[string]any
	if err := sigsyaml.Unmarshal(data, &sigs); err != nil {
		t.Fatalf("sigs.k8s.io/yaml: %v\n%s", err, data)
	}
	checkYAML12(t, data, want)
	if wantJSON, gotJSON := mustJSON(t, obj), mustJSON(t, sigs); !sameAsFloats(wantJSON, gotJSON) {
		t.Fatalf("sigs.k8s.io/yaml reads something else:\nwant %s\ngot  %s\n%s", wantJSON, gotJSON, data)
	}
}

// normal returns the value as Decode gives it back.
func normal(value any) any {
	switch v := value.(type) {
	case int:
		return int64(v)
	case uint64:
		return float64(v)
	case float64:
		if v == math.Trunc(v) {
			if n, err := strconv.ParseInt(strconv.FormatFloat(v, 'f', -1, 64), 10, 64); err == nil || v == 0 {
				return n
			}
		}
		return v

	case map[string]any:
		out := make(map[string]any, len(v))
		for key, child := range v {
			out[key] = normal(child)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = normal(child)
		}
		return out
	default:
		return value
	}
}

func mustJSON(t failer, value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(data)
}

func sameAsFloats(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

func TestEncodeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkEncode(t, objects().Draw(t, "object")) })
}

// objects draws objects whose texts are often disputed ones.
func objects() *rapid.Generator[map[string]any] {
	texts := rapid.OneOf(rapid.SampledFrom(disputed), rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.SampledFrom(disputed)), func(s []string) string { return strings.Join(s, "\n") }))

	var values func(depth int) *rapid.Generator[any]
	values = func(depth int) *rapid.Generator[any] {
		leaves := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Map(rapid.Bool(), toAny), rapid.Map(rapid.Int64(), toAny), rapid.Map(texts, toAny),
			rapid.Map(rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }), toAny),
		}
		if depth > 0 {
			leaves = append(leaves,
				rapid.Map(rapid.MapOfN(texts, values(depth-1), 0, 4), func(m map[string]any) any { return m }),
				rapid.Map(rapid.SliceOfN(values(depth-1), 0, 4), func(s []any) any {
					if s == nil {
						s = []any{}
					}
					return s
				}))
		}
		return rapid.OneOf(leaves...)
	}

	return rapid.MapOfN(texts, values(3), 0, 5)
}

// TestEncodeIndicators draws short texts from the characters that mean something in
// YAML, where readers differ most.
func TestEncodeIndicators(t *testing.T) {
	texts := rapid.StringOfN(rapid.SampledFrom([]rune("0a1eEx_<>&*!|%@`'\"{}[],:#-?. \n\t=~é+TZ/\u00a0\\;()$^\u3000")), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		checkEncode(t, map[string]any{"a": text, "b": []any{text, map[string]any{"c": text}}, "d": map[string]any{text: text, "z": "y"}})
	})
}

func toAny[T any](v T) any { return v }

func TestEncodeNumbers(t *testing.T) {
	for _, tt := range []struct {
		in   any
		want string
	}{
		{int64(0), "0"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{int64(math.MaxInt64), "9223372036854775807"},
		{1.0, "1"},
		{math.Copysign(0, -1), "0"},
		{0.5, "0.5"},
		{-1.25, "-1.25"},
		{1e21, "1.0e+21"},
		{1.5e300, "1.5e+300"},
		{1e-7, "1.0e-07"},
		{float64(1 << 60), "1152921504606847000"},
		{float64(1 << 63), "9.223372036854776e+18"},
		{1e19, "1.0e+19"},
	} {
		got, err := Encode(map[string]any{"a": tt.in})
		if err != nil || string(got) != "a: "+tt.want+"\n" {
			t.Errorf("Encode(%v) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
		checkEncode(t, map[string]any{"a": tt.in})
	}
}

func TestEncodeLongKeys(t *testing.T) {
	for _, length := range []int{900, 998, 999, 1000, 1001, 1024, 1025, 5000} {
		key := strings.Repeat("k", length)
		for _, value := range []any{
			"v", "a\nb\n", nil,
			map[string]any{},
			map[string]any{key: "v"},
			[]any{},
			[]any{"v", []any{"w"}},
			[]any{map[string]any{key: []any{"v"}, "b": "c"}},
		} {
			checkEncode(t, map[string]any{key: value, "z": map[string]any{key: value}})
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	deep := map[string]any{}
	for range maxDepth + 1 {
		deep = map[string]any{"a": deep}
	}
	for name, obj := range map[string]map[string]any{
		"nil": nil, "NaN": {"a": math.NaN()}, "infinity": {"a": math.Inf(1)}, "a type that JSON does not have": {"a": []string{"b"}},
		"text that is not UTF-8": {"a": "\xff"}, "key that is not UTF-8": {"\xff": "a"}, "bottomless": deep,
	} {
		if _, err := Encode(obj); !errors.Is(err, ErrNotEncodable) {
			t.Errorf("%s: error %v does not wrap ErrNotEncodable", name, err)
		}
	}
}

func TestEncodeGolden(t *testing.T) {
	long := map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "looks", "labels": map[string]any{}},
		"data": map[string]any{
			"yes": "yes", "number": "1e3", "octal": "0755", "date": "2024-11-21", "port": "8080", "version": "1.24.17",
			"image":     "registry.example.org/a/b:v1.2",
			"script.sh": "#!/bin/sh\nset -e\n\n  echo \"hi\"\n", "trailing": "ends without a newline\nhere", "keep": "two newlines\n\n",
			"crlf": "a\r\nb", "emoji": "all good 😀", "tilde": "~", "sentence": "It is plain, is it not?",
		},
		"lists": []any{
			map[string]any{"name": "a", "args": []any{"-v", "2", "--flag"}, "empty": []any{}},
			[]any{"x", []any{int64(1), 2.5}},
			map[string]any{},
			nil, true, "text\nof lines\n",
		},
	}

	got, err := Encode(long)
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "canonical.yaml", got)
	checkEncode(t, long)
}

// compareGolden compares with a file below testdata, or writes it with -update.
func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}
