package contract

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// keyOrder reads the key of rows that are in canonical form.
type keyOrder struct {
	fields []string
	// names are the fields as canonical JSON text, with the colon.
	names [][]byte
}

func newKeyOrder(fields []string) keyOrder {
	order := keyOrder{fields: fields}
	for _, field := range fields {
		order.names = append(order.names, append(appendText(nil, []byte(field)), ':'))
	}
	return order
}

// The kinds of key values, in their order.
const (
	keyFalse = iota
	keyTrue
	keyNumber
	keyText
)

type keyPart struct {
	kind   int
	number decimal
	text   []byte
}

// rowKey is the key of one row. It shares the memory of the row.
type rowKey []keyPart

// of appends the key of a canonical row.
func (o keyOrder) of(key rowKey, row []byte) (rowKey, error) {
	for i, field := range o.fields {
		value, ok := memberOf(row, o.names[i])
		if !ok {
			return nil, fmt.Errorf("the key field %q is missing", field)
		}
		switch value[0] {
		case '"':
			c := canonicalizer{src: value}
			text, err := c.text()
			if err != nil {
				return nil, fmt.Errorf("key field %q: %w", field, err)
			}
			key = append(key, keyPart{kind: keyText, text: text})
		case 't':
			key = append(key, keyPart{kind: keyTrue})
		case 'f':
			key = append(key, keyPart{kind: keyFalse})
		case 'n', '{', '[':
			return nil, fmt.Errorf("the key field %q is null, an object or an array", field)
		default:
			number, err := parseDecimal(value)
			if err != nil {
				return nil, fmt.Errorf("key field %q: %w", field, err)
			}
			key = append(key, keyPart{kind: keyNumber, number: number})
		}
	}

	return key, nil
}

// compare orders keys part by part.
func (k rowKey) compare(other rowKey) int {
	for i := range k {
		a, b := k[i], other[i]
		if c := cmp.Or(cmp.Compare(a.kind, b.kind), a.number.compare(b.number), bytes.Compare(a.text, b.text)); c != 0 {
			return c
		}
	}
	return 0
}

// names lists the fields for messages.
func (o keyOrder) String() string { return strings.Join(o.fields, ", ") }

// sequence checks that canonical rows come in strictly increasing key order.
type sequence struct {
	order keyOrder
	// last is the key of the row before, whose bytes are in memory, and spare has room
	// for another key: rows of one table have keys of one size.
	last, spare rowKey
	memory      []byte
	begun       bool
}

func (s *sequence) next(row []byte) error {
	key, err := s.order.of(s.spare[:0], row)
	if err != nil {
		return err
	}
	if s.begun {
		switch c := s.last.compare(key); {
		case c == 0:
			return fmt.Errorf("its key (%s) is that of the row before it", s.order)
		case c > 0:
			return fmt.Errorf("its key (%s) is lower than that of the row before it", s.order)
		}
	}
	s.begun = true
	s.spare, s.last = s.last, key
	s.own(s.last)
	return nil
}

// own moves the bytes of a key out of its row, which will be overwritten.
func (s *sequence) own(key rowKey) {
	size := 0
	for _, part := range key {
		size += len(part.text) + len(part.number.digits)
	}
	s.memory = slices.Grow(s.memory[:0], size)
	take := func(b []byte) []byte {
		s.memory = append(s.memory, b...)
		return s.memory[len(s.memory)-len(b):]
	}
	for i, part := range key {
		key[i].text, key[i].number.digits = take(part.text), take(part.number.digits)
	}
}

// memberOf finds a top-level member of a canonical object and returns its value.
func memberOf(row, name []byte) ([]byte, bool) {
	for i := 1; i < len(row)-1; {
		matches := bytes.HasPrefix(row[i:], name)
		i = endOfString(row, i) + 1
		end := endOfValue(row, i)
		if matches {
			return row[i:end], true
		}
		i = end + 1
	}
	return nil, false
}

// endOfString returns the index after the string that starts at i.
func endOfString(row []byte, i int) int {
	if n, _ := plainText(row[i+1:]); row[i+1+n] == '"' {
		return i + n + 2
	}
	for i++; row[i] != '"'; i++ {
		if row[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// endOfValue returns the index after the value that starts at i.
func endOfValue(row []byte, i int) int {
	depth := 0
	for {
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
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
}
