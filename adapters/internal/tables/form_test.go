package tables

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
)

func TestFormRoundTrip(t *testing.T) {
	for _, c := range []struct {
		form               Form
		server, json, back string
	}{
		{Text, "a\"\\\x01\t\n<é>😀\u2028", `"a\"\\\u0001\t\n<é>😀` + "\u2028" + `"`, "a\"\\\x01\t\n<é>😀\u2028"},
		{Text, "", `""`, ""},
		{Decimal, "1.500", `"1.500"`, "1.500"},
		{Integer, "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
		{Integer, "18446744073709551615", "18446744073709551615", "18446744073709551615"},
		{Float64, "0.30000000000000004", "0.30000000000000004", "0.30000000000000004"},
		{Float64, "1e+30", "1e+30", "1e+30"},
		{Float64, "1e-09", "1e-9", "1e-9"},
		{Float64, "5e-324", "5e-324", "5e-324"},
		{Float64, "123456789012345680000", "123456789012345680000", "123456789012345680000"},
		{Float64, "-0", `"-0"`, "-0"},
		{Float64, "NaN", `"NaN"`, "NaN"},
		{Float64, "-Infinity", `"-Infinity"`, "-Infinity"},
		{Float32, "0.010516252368688583", "0.010516252", "0.010516252"},
		{Float32, "16777216", "16777216", "16777216"},
		{Float32, "3.4028234663852886e38", "3.4028235e+38", "3.4028235e+38"},
		{Bool, "t", "true", "true"},
		{Bool, "0", "false", "false"},
		{Bytes, "\x00\xff", `"AP8="`, "\x00\xff"},
		{Bytes, "", `""`, ""},
		{LocalTimestamp, "2026-11-21 03:02:38", `"2026-11-21T03:02:38.000000"`, "2026-11-21 03:02:38.000000"},
		{LocalTimestamp, "0000-00-00 00:00:00", `"0000-00-00T00:00:00.000000"`, "0000-00-00 00:00:00.000000"},
		{LocalTimestamp, "0044-03-15 12:00:00.5 BC", `"0044-03-15T12:00:00.500000 BC"`, "0044-03-15 12:00:00.500000 BC"},
		{Timestamp, "2026-11-21 03:02:38.123456+00", `"2026-11-21T03:02:38.123456Z"`, "2026-11-21 03:02:38.123456"},
		{Timestamp, "0044-03-15 12:00:00+00 BC", `"0044-03-15T12:00:00.000000Z BC"`, "0044-03-15 12:00:00.000000 BC"},
		{Timestamp, "-infinity", `"-infinity"`, "-infinity"},
	} {
		got, err := c.form.Append(nil, []byte(c.server))
		if err != nil || string(got) != c.json {
			t.Errorf("%s: Append(%q) = %s, %v, want %s", c.form, c.server, got, err, c.json)
			continue
		}
		if !json.Valid(got) {
			t.Errorf("%s: Append(%q) = %s is not JSON", c.form, c.server, got)
		}
		back, err := c.form.Parse(got)
		if err != nil || string(back) != c.back || back == nil {
			t.Errorf("%s: Parse(%s) = %q, %v, want %q", c.form, got, back, err, c.back)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		form Form
		json string
	}{
		{Text, "1"},
		{Text, "true"},
		{Text, "{}"},
		{Integer, "1.0"},
		{Integer, "1e3"},
		{Integer, `"1"`},
		{Integer, "-0"},
		{Float64, `"1"`},
		{Float64, "1e400"},
		{Float32, "1e39"},
		{Bool, "1"},
		{Bool, `"t"`},
		{Bytes, `"AP8"`},
		{Bytes, `"A?8="`},
		{Bytes, `"AP9="`},
		{Timestamp, `"2026-11-21T03:02:38"`},
		{Timestamp, `"2026-11-21 03:02:38Z"`},
		{LocalTimestamp, `"2026-11-21T03:02:38Z"`},
	} {
		if got, err := c.form.Parse(json.RawMessage(c.json)); err == nil {
			t.Errorf("%s: Parse(%s) = %q, want an error", c.form, c.json, got)
		}
	}

	if got, err := Text.Parse(json.RawMessage("null")); got != nil || err != nil {
		t.Errorf("null = %q, %v", got, err)
	}
	if _, err := Text.Append(nil, []byte("\xff")); err == nil {
		t.Error("text that is not UTF-8 was accepted")
	}
}

func FuzzFloat(f *testing.F) {
	f.Add(math.Float64bits(0.1))
	f.Add(math.Float64bits(math.MaxFloat64))
	f.Add(math.Float64bits(5e-324))
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		out, err := Float64.Append(nil, strconv.AppendFloat(nil, v, 'g', -1, 64))
		if err != nil {
			t.Fatal(err)
		}
		back, err := Float64.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		again, err := strconv.ParseFloat(string(back), 64)
		if err != nil || (again != v || math.Signbit(again) != math.Signbit(v)) && !math.IsNaN(v) {
			t.Fatalf("%v became %s became %v (%v)", v, out, again, err)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\"\\\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		out, err := AppendString(nil, []byte(s))
		if err != nil {
			return
		}
		var viaLibrary string
		if err := json.Unmarshal(out, &viaLibrary); err != nil || viaLibrary != s {
			t.Fatalf("%q became %s became %q (%v)", s, out, viaLibrary, err)
		}
		back, err := Text.Parse(out)
		if err != nil || string(back) != s {
			t.Fatalf("%q became %s became %q (%v)", s, out, back, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(int(Timestamp), `"2026-11-21T03:02:38.000000Z"`)
	f.Add(int(Bytes), `"AP8="`)
	f.Add(int(Float32), "1e9")
	f.Fuzz(func(t *testing.T, form int, raw string) {
		if form < 0 || form >= len(formNames) || !json.Valid([]byte(raw)) {
			return
		}
		_, _ = Form(form).Parse(json.RawMessage(raw)) // must not panic
	})
}
