package tables

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Form is how the values of one column are written in a payload.
type Form int

// The forms. Whatever has no form of its own is [Text]: what the server prints
// and reads, unchanged.
const (
	// Text is a JSON string with the server's own text.
	Text Form = iota
	// Decimal is Text for exact decimal numbers: the scale is data and stays, but
	// "1.50" and "1.5" count as the same value when rows are compared.
	Decimal
	// Integer is a JSON number without fraction or exponent, exact at any size.
	Integer
	// Float32 is the shortest JSON number that reads back to the same 32 bits.
	// Values that JSON has no number for, and negative zero, which many JSON
	// writers lose, are the strings "NaN", "Infinity", "-Infinity" and "-0".
	Float32
	// Float64 is Float32 for 64 bits.
	Float64
	// Bool is true or false.
	Bool
	// Bytes is a base64 string (standard alphabet, padded). Its server text is
	// the bytes themselves.
	Bytes
	// LocalTimestamp is a date and time of no zone: "2026-11-21T03:02:38.000000".
	// Six digits of fraction are always written, so that text order is time order.
	LocalTimestamp
	// Timestamp is a moment in UTC: "2026-11-21T03:02:38.000000Z".
	Timestamp
)

var formNames = [...]string{"text", "decimal", "integer", "float32", "float64", "bool", "bytes", "local timestamp", "timestamp"}

// String names the form for people.
func (f Form) String() string { return formNames[f] }

// Append writes the server's text of a value that is not NULL as JSON.
func (f Form) Append(dst, text []byte) ([]byte, error) {
	switch f {
	case Integer:
		if !isInteger(text) {
			return dst, fmt.Errorf("the server printed %q for an integer", text)
		}
		return append(dst, text...), nil
	case Float32:
		return appendFloat(dst, text, 32)
	case Float64:
		return appendFloat(dst, text, 64)

	case Bool:
		switch string(text) {
		case "t", "1", "true":
			return append(dst, "true"...), nil
		case "f", "0", "false":
			return append(dst, "false"...), nil
		}
		return dst, fmt.Errorf("the server printed %q for a boolean", text)

	case Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, text)
		return append(dst, '"'), nil
	case LocalTimestamp:
		return AppendString(dst, isoTimestamp(text, ""))
	case Timestamp:
		return AppendString(dst, isoTimestamp(bytes.Replace(text, []byte("+00"), nil, 1), "Z"))
	default:
		return AppendString(dst, text)
	}
}

// Parse reads what [Form.Append] wrote and returns text for the server. JSON null
// is the value nil.
func (f Form) Parse(raw json.RawMessage) ([]byte, error) {
	if string(raw) == "null" {
		return nil, nil
	}

	switch f {
	case Integer:
		if !isInteger(raw) {
			return nil, errors.New("want an integer")
		}
		return raw, nil
	case Float32:
		return parseFloat(raw, 32)
	case Float64:
		return parseFloat(raw, 64)
	case Bool:
		if s := string(raw); s != "true" && s != "false" {
			return nil, errors.New("want true or false")
		}
		return raw, nil
	case Bytes:
		text, err := parseString(raw)
		if err != nil {
			return nil, err
		}
		decoded := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, err := base64.StdEncoding.Strict().Decode(decoded, text)
		if err != nil {
			return nil, errors.New("want bytes in base64")
		}
		return decoded[:n], nil
	case LocalTimestamp, Timestamp:
		text, err := parseString(raw)
		if err != nil {
			return nil, err
		}
		return serverTimestamp(text, f == Timestamp)
	default:
		return parseString(raw)
	}
}

func isInteger(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte("-"))
	if len(digits) == 0 || (digits[0] == '0' && len(text) > 1) {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func appendFloat(dst, text []byte, bits int) ([]byte, error) {
	v, err := strconv.ParseFloat(string(text), bits)
	if err != nil {
		return dst, fmt.Errorf("the server printed %q for a float: %w", text, err)
	}
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...), nil
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...), nil
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...), nil
	case v == 0 && math.Signbit(v):
		return append(dst, `"-0"`...), nil
	}
	return appendNumber(dst, v, bits), nil
}

// appendNumber writes a float as encoding/json and ECMAScript do, so that readers
// in any language write the same number the same way.
func appendNumber(dst []byte, v float64, bits int) []byte {
	abs := math.Abs(v)
	if abs == 0 || (abs >= 1e-6 && abs < 1e21) {
		return strconv.AppendFloat(dst, v, 'f', -1, bits)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'e', -1, bits)
	// e-09 to e-9
	if n := len(dst); n-start >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

func parseFloat(raw json.RawMessage, bits int) ([]byte, error) {
	text := []byte(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var err error
		if text, err = parseString(raw); err != nil {
			return nil, err
		}
		switch string(text) {
		case "NaN", "Infinity", "-Infinity", "-0":
			return text, nil
		}
		return nil, errors.New(`want a number, "NaN", "Infinity", "-Infinity" or "-0"`)
	}
	if _, err := strconv.ParseFloat(string(text), bits); err != nil {
		return nil, fmt.Errorf("want a number of %d bits", bits)
	}
	return text, nil
}

// isoTimestamp turns "2026-11-21 03:02:38.5 BC" into the payload's form. What does
// not start with a digit ("infinity") stays.
func isoTimestamp(text []byte, zone string) []byte {
	date, rest, ok := bytes.Cut(text, []byte(" "))
	if !ok || len(text) == 0 || text[0] < '0' || text[0] > '9' {
		return text
	}
	clock, era, before := bytes.Cut(rest, []byte(" "))
	whole, fraction, _ := bytes.Cut(clock, []byte("."))
	out := make([]byte, 0, len(text)+10)
	out = append(out, date...)
	out = append(out, 'T')
	out = append(out, whole...)

	out = append(out, '.')
	out = append(out, fraction...)
	for range 6 - len(fraction) {
		out = append(out, '0')
	}
	out = append(out, zone...)
	if before {
		out = append(out, ' ')
		out = append(out, era...)
	}
	return out
}

func serverTimestamp(text []byte, utc bool) ([]byte, error) {
	if len(text) == 0 || text[0] < '0' || text[0] > '9' {
		return text, nil // "infinity"; the server refuses anything else
	}
	stamp, era, before := bytes.Cut(text, []byte(" "))
	if utc {
		var ok bool
		if stamp, ok = bytes.CutSuffix(stamp, []byte("Z")); !ok {
			return nil, errors.New("want a time in UTC that ends in Z")
		}
	}

	date, clock, ok := bytes.Cut(stamp, []byte("T"))
	if !ok || bytes.HasSuffix(clock, []byte("Z")) {
		return nil, errors.New("want a time such as 2026-11-21T03:02:38.000000")
	}
	out := append(append(append(make([]byte, 0, len(text)), date...), ' '), clock...)
	if before {
		out = append(append(out, ' '), era...)
	}
	return out, nil
}

func parseString(raw json.RawMessage) ([]byte, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, errors.New("want a string")
	}
	inner := raw[1 : len(raw)-1]
	if !bytes.ContainsRune(inner, '\\') && utf8.Valid(inner) {
		return inner, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, errors.New("want a string")
	}
	return []byte(s), nil
}

const hexDigits = "0123456789abcdef"

// AppendString writes text as a JSON string with the fewest escapes: the quote,
// the backslash and control characters. It refuses text that is not UTF-8, since
// no JSON string can hold it.
func AppendString(dst, text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return dst, errors.New("the text is not valid UTF-8")
	}

	dst = append(dst, '"')
	start := 0
	for i, c := range text {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		start = i + 1
	}
	return append(append(dst, text[start:]...), '"'), nil
}
