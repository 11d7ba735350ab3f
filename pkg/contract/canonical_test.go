package contract

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"white space goes":          {" { \"a\" : 1 ,\t\"b\":[ 1 , 2 ]\r\n} ", `{"a":1,"b":[1,2]}`},
		"names are sorted by bytes": {`{"b":1,"a":2,"B":3,"é":4,"aa":5}`, `{"B":3,"a":2,"aa":5,"b":1,"é":4}`},
		"nested names are sorted": {
			`{"x":{"b":{"d":1,"c":2},"a":[{"z":1,"y":2}]}}`,
			`{"x":{"a":[{"y":2,"z":1}],"b":{"c":2,"d":1}}}`,
		},
		"HTML is not escaped": {`{"a":"\u003cb\u003e \u0026"}`, `{"a":"<b> &"}`},
		"escapes are the shortest": {
			`{"a":"\u0041\/\u000a\u0001\u001f\"\\\u007f\u2028"}`,
			`{"a":"A/\n\u0001\u001f\"\\` + "\u007f\u2028" + `"}`,
		},
		"surrogate pairs become characters":    {`{"a":"\ud83d\ude00"}`, `{"a":"😀"}`},
		"names are unescaped before they sort": {`{"\u0062":1,"a":2}`, `{"a":2,"b":1}`},
		"the largest integer stays": {
			`{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615}`,
			`{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615}`,
		},
		"longer integers stay": {`{"a":123456789012345678901234567890}`, `{"a":123456789012345678901234567890}`},
		"superfluous digits go": {
			`{"a":1.0,"b":1.50,"c":1E2,"d":100e-2,"e":0.0,"f":1.0e+2}`,
			`{"a":1,"b":1.5,"c":100,"d":1,"e":0,"f":100}`,
		},
		"precision stays": {`{"a":0.1000000000000000055511151231257827}`, `{"a":0.1000000000000000055511151231257827}`},
		"small and large numbers": {
			`{"a":1e21,"b":1e-7,"c":123e-9,"d":0.000001,"e":1.5E300,"f":1e20}`,
			`{"a":1e+21,"b":1e-7,"c":1.23e-7,"d":0.000001,"e":1.5e+300,"f":100000000000000000000}`,
		},
		"negative zero keeps its sign": {`{"a":-0,"b":-0.0}`, `{"a":-0,"b":-0}`},
		"literals": {
			`{"a":true,"b":false,"c":null,"d":{},"e":[],"f":""}`,
			`{"a":true,"b":false,"c":null,"d":{},"e":[],"f":""}`,
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Canonical(Row(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestCanonicalFloatsAreThoseOfEncodingJSON(t *testing.T) {
	for _, f := range []float64{
		0.1, 1.0 / 3, math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21, 1e20, 123456.789, -2.5e-7, math.Pi, 5e-324,
		1e-6,
	} {
		text, err := json.Marshal(map[string]float64{"f": f})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Canonical(text)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, text) {
			t.Errorf("%v: got %s, want %s", f, got, text)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	tests := map[string]string{
		"no object":                 `[1]`,
		"nothing":                   ``,
		"two objects":               `{}{}`,
		"a name twice":              `{"a":1,"a":2}`,
		"a name twice, out of turn": `{"b":1,"a":2,"b":3}`,
		"a name twice by escape":    `{"a":1,"\u0061":2}`,
		"invalid UTF-8":             "{\"a\":\"\xff\"}",
		"half a surrogate pair":     `{"a":"\ud83d"}`,
		"a wrong surrogate pair":    `{"a":"\ud83d\u0041"}`,
		"a control character":       "{\"a\":\"\n\"}",
		"a leading zero":            `{"a":01}`,
		"no digit after the point":  `{"a":1.}`,
		"no exponent":               `{"a":1e}`,
		"an exponent too large":     `{"a":1e1000001}`,
		"not a number":              `{"a":NaN}`,
		"a comma too many":          `{"a":1,}`,
		"a comma too many in array": `{"a":[1,]}`,
		"a missing colon":           `{"a"1}`,
		"an unknown escape":         `{"a":"\x41"}`,
		"a cut string":              `{"a":"`,
		"a cut escape":              `{"a":"\u00`,
		"nested too deep":           `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
	}

	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := Canonical(Row(in)); err == nil {
				t.Errorf("accepted as %s", got)
			}
		})
	}
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"b":[1,2.50,-0,1e5],"a":{"y":null,"x":"\u00e9\n"}}`, `{"max":9223372036854775807,"f":0.1,"big":1e400}`, `{"a":1,"a":2}`,
		`{"a":"\ud83d\ude00"}`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := Canonical(in)
		if err != nil {
			return
		}
		if !json.Valid(in) {
			t.Fatalf("accepted what is not JSON: %q", in)
		}
		twice, err := Canonical(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("not idempotent: %q became %q (%v)", once, twice, err)
		}
		if got, want := values(t, once), values(t, in); !reflect.DeepEqual(got, want) {
			t.Fatalf("another meaning: %v became %v", want, got)
		}
		for _, field := range []string{"a", "b", "max"} {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(once, &fields); err != nil {
				t.Fatal(err)
			}
			value, ok := memberOf(once, append(appendText(nil, []byte(field)), ':'))
			if want, has := fields[field]; ok != has || !bytes.Equal(value, want) {
				t.Fatalf("member %q of %s: got %s, want %s", field, once, value, want)
			}
		}
	})
}

// values decodes with encoding/json and brings numbers into one form.
func values(t *testing.T, data []byte) any {
	t.Helper()
	value, err := decodeValue(data)
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}

	var normal func(any) any
	normal = func(v any) any {
		switch v := v.(type) {
		case json.Number:
			d, err := parseDecimal([]byte(v))
			if err != nil {
				t.Fatal(err)
			}
			return string(d.append(nil))
		case map[string]any:
			for name := range v {
				v[name] = normal(v[name])
			}
		case []any:
			for i := range v {
				v[i] = normal(v[i])
			}
		}
		return v
	}

	return normal(value)
}

func TestKeyOrder(t *testing.T) {
	// Strictly increasing by key n, then s.
	rows := []string{
		`{"n":false,"s":"z"}`, `{"n":true,"s":"a"}`, `{"n":-10,"s":"a"}`, `{"n":-9.5,"s":"a"}`, `{"n":0,"s":"a"}`, `{"n":0.001,"s":"a"}`,
		`{"n":9,"s":"a"}`,
		`{"n":10,"s":"B"}`, `{"n":10,"s":"a"}`, `{"n":10,"s":"é"}`, `{"n":9007199254740993,"s":"a"}`, `{"n":9007199254740994,"s":"a"}`,
		`{"n":1e+30,"s":"a"}`, `{"n":"","s":"a"}`, `{"n":"1","s":"a"}`, `{"n":"a\"b","s":"a"}`,
	}

	s := &sequence{order: newKeyOrder([]string{"n", "s"})}
	for i, row := range rows {
		if err := s.next([]byte(row)); err != nil {
			t.Fatalf("row %d: %v", i+1, err)
		}
	}

	for name, pair := range map[string][2]string{
		"the same key":       {`{"n":1,"s":"a","v":1}`, `{"n":1,"s":"a","v":2}`},
		"numbers as text":    {`{"n":10,"s":""}`, `{"n":9,"s":""}`},
		"negative numbers":   {`{"n":-1,"s":""}`, `{"n":-2,"s":""}`},
		"a missing key":      {`{"n":1,"s":""}`, `{"n":2}`},
		"a null key":         {`{"n":1,"s":""}`, `{"n":2,"s":null}`},
		"a key of object":    {`{"n":1,"s":""}`, `{"n":2,"s":{}}`},
		"equal as a decimal": {`{"n":1,"s":""}`, `{"n":1,"s":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sequence{order: newKeyOrder([]string{"n", "s"})}
			if err := s.next([]byte(pair[0])); err != nil {
				t.Fatal(err)
			}
			if s.next([]byte(pair[1])) == nil {
				t.Error("accepted")
			}
		})
	}
}
