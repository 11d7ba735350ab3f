package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that no row can exhaust the stack.
const maxDepth = 200

// ErrRow says that bytes or values are no row.
var ErrRow = errors.New("not a valid row")

// EncodeRow writes a row as canonical JSON on one line, without a newline: keys
// sorted by their bytes, no insignificant space, only the escapes that JSON
// demands, integers as they are, other numbers in one form per exact value. It is
// the form in which the contract stores rows. Values are those that encoding/json
// yields, and every Go integer type.
func EncodeRow(row map[string]any) ([]byte, error) {
	if row == nil {
		return nil, fmt.Errorf("%w: it is nil", ErrRow)
	}
	return appendValue(nil, row, 0)
}

func appendValue(out []byte, value any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested more than %d deep", ErrRow, maxDepth)
	}

	switch v := value.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case string:
		return appendString(out, v)
	case map[string]any:
		return appendObject(out, v, depth)
	case []any:
		return appendArray(out, v, depth)
	case json.Number:
		return appendNumber(out, v.String())
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: %v is no JSON number", ErrRow, v)
		}
		if v == math.Trunc(v) && math.Abs(v) < 1e21 {
			return strconv.AppendFloat(out, v, 'f', 0, 64), nil
		}
		return appendNumber(out, strconv.FormatFloat(v, 'e', -1, 64))
	case float32:
		return appendValue(out, float64(v), depth)
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return appendNumber(out, fmt.Sprint(v))
	default:
		return nil, fmt.Errorf("%w: JSON has no %T", ErrRow, value)
	}
}

func appendNumber(out []byte, literal string) ([]byte, error) {
	text, err := canonicalNumber(literal)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRow, err)
	}
	return append(out, text...), nil
}

func appendObject(out []byte, object map[string]any, depth int) ([]byte, error) {
	out = append(out, '{')
	var err error
	for i, key := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendString(out, key); err != nil {
			return nil, err
		}
		out = append(out, ':')
		if out, err = appendValue(out, object[key], depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendArray(out []byte, array []any, depth int) ([]byte, error) {
	out = append(out, '[')
	var err error
	for i, item := range array {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendValue(out, item, depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

// shortEscapes are the escapes with a letter of their own.
var shortEscapes = map[byte]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func appendString(out []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%w: %.40q is not UTF-8", ErrRow, s)
	}
	out = append(out, '"')
	for i := range len(s) {
		c := s[i]
		if short, ok := shortEscapes[c]; ok {
			out = append(out, short...)
		} else if c < 0x20 {
			out = fmt.Appendf(out, `\u%04x`, c)
		} else {
			out = append(out, c)
		}
	}
	return append(out, '"'), nil
}

// DecodeRow reads one JSON object. Integers that fit become int64, other numbers
// stay [json.Number], so that no digit is lost.
func DecodeRow(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrRow)
	}
	if err := checkSurrogates(data); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()

	value, err := readValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	row, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: it is not an object", ErrRow)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the object", ErrRow)
	}
	return row, nil
}

func readValue(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: nested more than %d deep", ErrRow, maxDepth)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRow, err)
	}

	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(decoder, depth)
		}
		return readArray(decoder, depth)
	case json.Number:
		text, err := canonicalNumber(t.String())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRow, err)
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
			return n, nil
		}
		return json.Number(text), nil
	default:
		return token, nil
	}
}

func readObject(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRow, err)
		}
		key, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("%w: a key is no string", ErrRow)
		}
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("%w: key %.40q comes twice", ErrRow, key)
		}
		if object[key], err = readValue(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	return object, closing(decoder)
}

func readArray(decoder *json.Decoder, depth int) (any, error) {
	array := []any{}
	for decoder.More() {
		value, err := readValue(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	return array, closing(decoder)
}

func closing(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("%w: %w", ErrRow, err)
	}
	return nil
}

// checkSurrogates refuses escapes of half a character, which encoding/json
// replaces without a word.
func checkSurrogates(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		code, ok := escapedUnit(data[i:])
		if !ok {
			i++ // the escaped byte, which may be a backslash
			continue
		}
		if code >= 0xd800 && code < 0xe000 {
			low, paired := escapedUnit(data[min(i+6, len(data)):])
			if code >= 0xdc00 || !paired || low < 0xdc00 || low >= 0xe000 {
				return fmt.Errorf("%w: it escapes half a character at byte %d", ErrRow, i)
			}
			i += 6
		}
		i += 5
	}

	return nil
}

// escapedUnit reads \uXXXX at the start of data.
func escapedUnit(data []byte) (uint64, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	code, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return code, err == nil
}
