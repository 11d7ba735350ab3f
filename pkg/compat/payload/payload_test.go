package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0.0", "1.0", "2.10", "2147483647.0"} {
		v, err := ParseVersion(s)
		if err != nil || v.String() != s {
			t.Errorf("ParseVersion(%q) = %v, %v", s, v, err)
		}
	}
	for _, s := range []string{"", "1", "1.", ".1", "v1.0", "1.0.0", "01.0", "1.-1", "1.+1", "1.0 ", "4294967296.0"} {
		if v, err := ParseVersion(s); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", s, v)
		}
	}
}

func TestVersionsInARange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reads, written string
		want           bool
	}{
		{">= 1.0, < 3.0", "1.0", true},
		{">= 1.0, < 3.0", "2.9", true},
		{">= 1.0, < 3.0", "2.10", true},
		{">= 1.0, < 3.0", "3.0", false},
		{">= 1.0, < 3.0", "0.9", false},
		{"~> 2.1", "2.9", true},
		{"~> 2.1", "3.0", false},
		{"2.0", "2.0", true},
	}

	for _, test := range tests {
		got, err := Readable(test.reads, test.written)
		if err != nil || got != test.want {
			t.Errorf("Readable(%q, %q) = %v, %v; want %v", test.reads, test.written, got, err, test.want)
		}
	}

	if _, err := Readable("whatever", "1.0"); err == nil {
		t.Error("a range of words was taken")
	}
	if _, err := Readable(">= 1.0", "one"); err == nil {
		t.Error("a version of words was taken")
	}
	if (Range{}).Contains(Version{1, 0}) {
		t.Error("the zero range contains something")
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	reads, err := ParseRange(">= 1.2, < 4.0")
	if err != nil {
		t.Fatal(err)
	}
	for payload, want := range map[string]Compatibility{
		"3.1": Same, "3.0": Older, "1.2": Older, "1.1": Outside, "0.1": Outside,
		// The range may admit more than the reader can know: newer is newer.
		"3.2": Newer, "4.0": Newer,
	} {
		v, err := ParseVersion(payload)
		if err != nil {
			t.Fatal(err)
		}
		if got := Judge(Version{3, 1}, reads, v); got != want {
			t.Errorf("Judge(%s) = %s, want %s", payload, got, want)
		}
	}
}

func TestCanonicalRow(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{`{"b":1,"a":2}`, `{"a":2,"b":1}`},
		{` { "a" : [ 1 , 2 ] } `, `{"a":[1,2]}`},
		{`{"n":9223372036854775807}`, `{"n":9223372036854775807}`},
		{`{"n":123456789012345678901234567890}`, `{"n":123456789012345678901234567890}`},
		{`{"n":1.10}`, `{"n":1.1}`},
		{`{"n":1e2}`, `{"n":100}`},
		{`{"n":1E400}`, `{"n":1e+400}`},
		{`{"n":0.1000000000000000055511151231257827}`, `{"n":0.1000000000000000055511151231257827}`},
		{`{"n":0.0000001}`, `{"n":1e-7}`},
		{`{"n":0.000001}`, `{"n":0.000001}`},
		{`{"n":-0}`, `{"n":-0}`},
		{`{"s":"<a>&\u00e9\u2028\/"}`, "{\"s\":\"<a>&é\u2028/\"}"},
		{`{"s":"\ud83d\ude00"}`, `{"s":"😀"}`},
		{`{"s":"\u0001\t\\u0041"}`, `{"s":"\u0001\t\\u0041"}`},
		{`{"":null,"t":true}`, `{"":null,"t":true}`},
	}

	for _, test := range tests {
		row, err := DecodeRow([]byte(test.in))
		if err != nil {
			t.Errorf("DecodeRow(%s): %v", test.in, err)
			continue
		}
		got, err := EncodeRow(row)
		if err != nil || string(got) != test.want {
			t.Errorf("canonical form of %s = %s, %v; want %s", test.in, got, err, test.want)
		}
	}
}

func TestDecodeRowRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"nothing":            ``,
		"no object":          `[1]`,
		"a scalar":           `1`,
		"two objects":        `{}{}`,
		"garbage behind":     `{} x`,
		"a cut":              `{"a":`,
		"a key twice":        `{"a":1,"a":1}`,
		"a key twice inside": `{"o":{"a":1,"\u0061":1}}`,
		"bad UTF-8":          "{\"a\":\"\xff\"}",
		"half a surrogate":   `{"a":"\ud800"}`,
		"surrogates swapped": `{"a":"\ude00\ud83d"}`,
		"half before text":   `{"a":"\ud83dx"}`,
		"huge exponent":      `{"a":1e99999999999}`,
		"deep nesting":       `{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`,
	} {
		if row, err := DecodeRow([]byte(in)); !errors.Is(err, ErrRow) {
			t.Errorf("%s: got %v, %v; want ErrRow", name, row, err)
		}
	}
}

func TestEncodeRowTakesGoValues(t *testing.T) {
	t.Parallel()
	got, err := EncodeRow(map[string]any{"i": 7, "u": uint64(1 << 63), "f": 1e21, "w": 3.0, "h": 0.5, "n": json.Number("1.50")})
	if want := `{"f":1e+21,"h":0.5,"i":7,"n":1.5,"u":9223372036854775808,"w":3}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	for _, bad := range []any{make(chan int), "\xff", json.Number("x"), json.Number(""), json.Number("01x")} {
		if _, err := EncodeRow(map[string]any{"v": bad}); !errors.Is(err, ErrRow) {
			t.Errorf("%v: %v, want ErrRow", bad, err)
		}
	}
	if _, err := EncodeRow(nil); !errors.Is(err, ErrRow) {
		t.Errorf("nil: %v, want ErrRow", err)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		changes []Change
		in      string
		want    string
		dropped []string
		err     error
	}{
		{"rename", []Change{{Op: Rename, Path: "/a/b", To: "/a/c"}}, `{"a":{"b":1}}`, `{"a":{"c":1}}`, nil, nil},
		{"rename of nothing", []Change{{Op: Rename, Path: "/a/b", To: "/a/c"}}, `{"a":1}`, `{"a":1}`, nil, nil},
		{"rename onto a value", []Change{{Op: Rename, Path: "/a", To: "/b"}}, `{"a":1,"b":2}`, ``, nil, ErrConflict},
		{"rename out of the object", []Change{{Op: Rename, Path: "/a", To: "/b/a"}}, `{}`, ``, nil, ErrChange},
		{
			"move makes objects",
			[]Change{{Op: Move, Path: "/region", To: "/location/region"}},
			`{"region":"eu"}`, `{"location":{"region":"eu"}}`,
			nil, nil,
		},
		{"move through a scalar", []Change{{Op: Move, Path: "/a", To: "/b/c"}}, `{"a":1,"b":2}`, ``, nil, ErrConflict},
		{"move into itself", []Change{{Op: Move, Path: "/a", To: "/a/b"}}, `{"a":1}`, ``, nil, ErrChange},
		{"add", []Change{{Op: Add, Path: "/x/y", Value: json.RawMessage(`[1]`)}}, `{}`, `{"x":{"y":[1]}}`, nil, nil},
		{"add null", []Change{{Op: Add, Path: "/x", Value: json.RawMessage(`null`)}}, `{}`, `{"x":null}`, nil, nil},
		{"add keeps what is there", []Change{{Op: Add, Path: "/x", Value: json.RawMessage(`1`)}}, `{"x":null}`, `{"x":null}`, nil, nil},
		{"add without a value", []Change{{Op: Add, Path: "/x"}}, `{}`, ``, nil, ErrChange},
		{"add two values", []Change{{Op: Add, Path: "/x", Value: json.RawMessage(`1,"y":2`)}}, `{}`, ``, nil, ErrChange},
		{"drop", []Change{{Op: Drop, Path: "/a/b"}}, `{"a":{"b":{"c":1}}}`, `{"a":{}}`, []string{`/a/b={"v":{"c":1}}`}, nil},
		{"drop of nothing", []Change{{Op: Drop, Path: "/a/b"}}, `{}`, `{}`, nil, nil},
		{
			"map",
			[]Change{{Op: Map, Path: "/s", Value: json.RawMessage(`{"up":"UP","1":"one","true":9007199254740993}`)}},
			`{"s":"up"}`,
			`{"s":"UP"}`, nil, nil,
		},
		{"map of a number", []Change{{Op: Map, Path: "/s", Value: json.RawMessage(`{"1":"one"}`)}}, `{"s":1}`, `{"s":"one"}`, nil, nil},
		{
			"map keeps digits",
			[]Change{{Op: Map, Path: "/s", Value: json.RawMessage(`{"true":9007199254740993}`)}},
			`{"s":true}`,
			`{"s":9007199254740993}`, nil, nil,
		},
		{"map leaves the rest", []Change{{Op: Map, Path: "/s", Value: json.RawMessage(`{"up":"UP"}`)}}, `{"s":"down"}`, `{"s":"down"}`, nil, nil},
		{"map without an object", []Change{{Op: Map, Path: "/s", Value: json.RawMessage(`1`)}}, `{}`, ``, nil, ErrChange},
		{"escaped names", []Change{{Op: Rename, Path: "/a~1b", To: "/c~0d"}}, `{"a/b":1}`, `{"c~d":1}`, nil, nil},
		{"a bad escape", []Change{{Op: Drop, Path: "/a~2"}}, `{}`, ``, nil, ErrChange},
		{"no pointer", []Change{{Op: Drop, Path: "a"}}, `{}`, ``, nil, ErrChange},
		{"an unknown operation", []Change{{Op: "copy", Path: "/a"}}, `{}`, ``, nil, ErrChange},
		{
			"in order",
			[]Change{{Op: Rename, Path: "/a", To: "/b"}, {Op: Move, Path: "/b", To: "/c/d"}, {Op: Drop, Path: "/c"}},
			`{"a":1}`, `{}`,
			[]string{`/c={"v":{"d":1}}`},
			nil,
		},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := decode(t, test.in)
			got, dropped, err := Apply(test.changes, in)
			if diff := cmp.Diff(decode(t, test.in), in); diff != "" {
				t.Errorf("the row was modified:\n%s", diff)
			}
			if test.err != nil {
				if !errors.Is(err, test.err) {
					t.Fatalf("got %v, want %v", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, encode(t, got)); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
			var texts []string
			for _, d := range dropped {
				texts = append(texts, d.Path+"="+encode(t, map[string]any{"v": d.Value}))
			}
			if diff := cmp.Diff(test.dropped, texts); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	row, err := DecodeRow([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func encode(t *testing.T, row map[string]any) string {
	t.Helper()
	data, err := EncodeRow(row)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRenameRoundTrips: a rename and its inverse give the row back.
func TestRenameRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		row := map[string]any{}
		for _, name := range rapid.SliceOfDistinct(rapid.StringMatching(`[a-m~/*]{1,4}`), rapid.ID[string]).Draw(t, "names") {
			row[name] = rapid.Int64().Draw(t, "value")
		}
		from := formatPointer([]string{rapid.StringMatching(`[a-m~/*]{1,4}`).Draw(t, "from")})
		to := "/target"

		there, _, err := Apply([]Change{{Op: Rename, Path: from, To: to}}, row)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := Apply([]Change{{Op: Rename, Path: to, To: from}}, there)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row, back); diff != "" {
			t.Fatalf("there and back differ:\n%s", diff)
		}
	})
}

func FuzzDecodeRow(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":[1,2.50,"x",null,true,{"b":{}}]}`, `{"n":1e-7,"m":123456789012345678901}`,
		`{"s":"\ud83d\ude00\u0001"}`, `{"a":1,"a":2}`, `{"n":-0.0}`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		row, err := DecodeRow(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("took invalid JSON %q", data)
		}
		once, err := EncodeRow(row)
		if err != nil {
			t.Fatalf("cannot write what was read: %v", err)
		}
		again, err := DecodeRow(once)
		if err != nil {
			t.Fatalf("cannot read what was written: %v\n%s", err, once)
		}
		twice, err := EncodeRow(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("not canonical: %s, then %s (%v)", once, twice, err)
		}
		if bytes.ContainsAny(once, "\n") {
			t.Fatalf("a row spans lines: %q", once)
		}
	})
}

func FuzzRange(f *testing.F) {
	f.Add(">= 1.0, < 3.0", "2.1")
	f.Add("~> 1", "1.0")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, reads, written string) {
		ok, err := Readable(reads, written)
		if err != nil && ok {
			t.Fatal("readable in spite of an error")
		}
	})
}

func FuzzApply(f *testing.F) {
	f.Add(`[{"op":"rename","path":"/a","to":"/b"}]`, `{"a":1}`)
	f.Add(`[{"op":"move","path":"/a/b","to":"/c/d"},{"op":"drop","path":"/c"}]`, `{"a":{"b":[1]}}`)
	f.Add(`[{"op":"map","path":"/a","value":{"1":2}},{"op":"add","path":"/z","value":null}]`, `{"a":1}`)

	f.Fuzz(func(t *testing.T, changesText, rowText string) {
		var changes []Change
		if json.Unmarshal([]byte(changesText), &changes) != nil {
			return
		}
		row, err := DecodeRow([]byte(rowText))
		if err != nil {
			return
		}
		before, err := EncodeRow(row)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := Apply(changes, row)
		if after, _ := EncodeRow(row); !bytes.Equal(before, after) {
			t.Fatalf("the row was modified: %s, then %s", before, after)
		}
		if err != nil {
			return
		}
		if _, err := EncodeRow(out); err != nil {
			t.Fatalf("the result is no row: %v", err)
		}
	})
}
