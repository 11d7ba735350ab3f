package pieces

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// KeyFields find the key of rows that are JSON objects. Rows are in the canonical
// form of the contract, where equal keys have equal text; anything else still has
// a key, or none, but is never an error here: the payload is stored as it is.
type KeyFields struct{ names [][]byte }

// NewKeyFields finds the keys that these top-level fields make.
func NewKeyFields(fields []string) (KeyFields, error) {
	var k KeyFields
	for _, field := range fields {
		var name bytes.Buffer
		encoder := json.NewEncoder(&name)
		encoder.SetEscapeHTML(false) // as in canonical rows
		if err := encoder.Encode(field); err != nil {
			return KeyFields{}, fmt.Errorf("key field %q: %w", field, err)
		}
		k.names = append(k.names, bytes.TrimSuffix(name.Bytes(), []byte("\n")))
	}
	return k, nil
}

// keySeparator is put between the values of a key. JSON text holds no control
// characters, so two keys never become the same text.
const keySeparator = 0x1f

// AppendKey appends the key of a row: the JSON texts of its fields. It reports
// false, and appends nothing, if the row has no such key.
func (k KeyFields) AppendKey(dst, row []byte) ([]byte, bool) {
	start := len(dst)
	for i, name := range k.names {
		value, ok := memberOf(row, name)
		if !ok {
			return dst[:start], false
		}
		if i > 0 {
			dst = append(dst, keySeparator)
		}
		dst = append(dst, value...)
	}
	return dst, len(k.names) > 0
}

// memberOf returns the text of the value of a top-level member. It reads what is
// valid JSON and stops at the first thing that is not.
func memberOf(row, name []byte) ([]byte, bool) {
	i := skipSpace(row, 0)
	if i >= len(row) || row[i] != '{' {
		return nil, false
	}

	for i = skipSpace(row, i+1); i < len(row) && row[i] == '"'; i = skipSpace(row, i+1) {
		keyEnd := endOfString(row, i)
		key := row[i:keyEnd]
		i = skipSpace(row, keyEnd)
		if i >= len(row) || row[i] != ':' {
			return nil, false
		}
		i = skipSpace(row, i+1)
		end := endOfValue(row, i)
		if end == i {
			return nil, false
		}
		if bytes.Equal(key, name) {
			return row[i:end], true
		}
		if i = skipSpace(row, end); i >= len(row) || row[i] != ',' {
			return nil, false
		}
	}

	return nil, false
}

func skipSpace(row []byte, i int) int {
	for i < len(row) && (row[i] == ' ' || row[i] == '\t' || row[i] == '\r' || row[i] == '\n') {
		i++
	}
	return i
}

// endOfString returns the index after the string that starts at i, or the end.
func endOfString(row []byte, i int) int {
	for i++; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(row)
}

// endOfValue returns the index after the value that starts at i.
func endOfValue(row []byte, i int) int {
	for depth := 0; i < len(row); i++ {
		switch row[i] {
		case '"':
			i = endOfString(row, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(row)
}

// hashKey is FNV-1a over the text with the finalizer of MurmurHash3, because the
// low bits of FNV are weak. It is part of the layouts' definition.
func hashKey(seed uint64, text []byte) uint64 {
	h := 14695981039346656037 ^ seed
	for _, c := range text {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// The kinds of key values, in the order of the contract.
const (
	kindFalse = iota
	kindTrue
	kindNumber
	kindText
	// kindOther is what no key holds.
	kindOther
)

// Key is a key of a row, read.
type Key []keyPart

// keyPart is one value of a key, read.
type keyPart struct {
	kind   int
	number decimal
	text   string
}

// ParseKey reads the text that [KeyFields.AppendKey] made.
func ParseKey(text []byte) Key {
	var parts Key
	for value := range bytes.SplitSeq(text, []byte{keySeparator}) {
		parts = append(parts, parseKeyPart(value))
	}
	return parts
}

func parseKeyPart(value []byte) keyPart {
	switch {
	case bytes.Equal(value, []byte("false")):
		return keyPart{kind: kindFalse}
	case bytes.Equal(value, []byte("true")):
		return keyPart{kind: kindTrue}
	}
	if number, ok := parseDecimal(value); ok {
		return keyPart{kind: kindNumber, number: number}
	}
	var text string
	if len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil {
		return keyPart{kind: kindText, text: text}
	}
	return keyPart{kind: kindOther, text: string(value)}
}

// Compare orders keys as the contract does: false before true before numbers
// by value before text by its bytes.
func (k Key) Compare(other Key) int {
	return slices.CompareFunc(k, other, func(a, b keyPart) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), a.number.compare(b.number), cmp.Compare(a.text, b.text))
	})
}

// decimal is a number without rounding: 0.digits × 10^point, with neither a leading
// nor a trailing zero among the digits. Zero has no digits.
type decimal struct {
	negative bool
	digits   string
	point    int
}

// parseDecimal reads a JSON number.
func parseDecimal(text []byte) (decimal, bool) {
	if !json.Valid(text) || len(text) == 0 || (text[0] != '-' && (text[0] < '0' || text[0] > '9')) {
		return decimal{}, false
	}
	mantissa, negative := bytes.CutPrefix(text, []byte("-"))
	exponent := 0

	if i := bytes.IndexAny(mantissa, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(mantissa[i+1:])); err != nil {
			return decimal{}, false
		}
		mantissa = mantissa[:i]
	}

	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := slices.Concat(whole, fraction)
	trimmed := bytes.TrimLeft(digits, "0")
	d := decimal{
		negative: negative, point: len(whole) - (len(digits) - len(trimmed)) + exponent,
		digits: string(bytes.TrimRight(trimmed, "0")),
	}
	if d.digits == "" {
		return decimal{}, true
	}
	return d, true
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

func (d decimal) compare(other decimal) int {
	sign := d.sign()
	if c := cmp.Compare(sign, other.sign()); c != 0 || sign == 0 {
		return c
	}
	return sign * cmp.Or(cmp.Compare(d.point, other.point), cmp.Compare(d.digits, other.digits))
}
