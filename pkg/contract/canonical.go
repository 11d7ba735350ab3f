package contract

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// deepest is how far values may nest. It bounds the stack, nothing else.
const deepest = 200

// Canonical returns the one form in which a row is stored, so that equal rows
// have equal bytes. It refuses what JSON readers disagree about: duplicate
// names, invalid UTF-8 and unpaired surrogates.
//
// Names are sorted by their UTF-8 bytes. There is no white space. Strings escape
// only the quotation mark, the backslash and characters below U+0020. Integers
// stay as they are written, whatever their size; other numbers lose superfluous
// digits but never precision, and are laid out as ECMAScript does.
func Canonical(row Row) (Row, error) {
	return appendCanonical(make([]byte, 0, len(row)), row)
}

// appendCanonical appends the canonical form of one object to dst.
func appendCanonical(dst []byte, row []byte) ([]byte, error) {
	if isCanonical(row) {
		return append(dst, row...), nil
	}
	c := canonicalizer{src: row}
	c.space()
	if c.peek() != '{' {
		return nil, errors.New("a row must be a JSON object")
	}
	dst, err := c.value(dst, 0)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", c.pos, err)
	}
	c.space()
	if c.pos != len(c.src) {
		return nil, fmt.Errorf("byte %d: something follows the object", c.pos)
	}
	return dst, nil
}

type canonicalizer struct {
	src []byte
	pos int
}

// member is one name and value of an object; start and end delimit its canonical
// text within the output.
type member struct {
	name       []byte
	start, end int
}

func (c *canonicalizer) peek() byte {
	if c.pos < len(c.src) {
		return c.src[c.pos]
	}
	return 0
}

func (c *canonicalizer) space() {
	for c.pos < len(c.src) {
		switch c.src[c.pos] {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return
		}
	}
}

func (c *canonicalizer) value(dst []byte, depth int) ([]byte, error) {
	if depth > deepest {
		return nil, fmt.Errorf("values nest deeper than %d", deepest)
	}

	switch b := c.peek(); {
	case b == '{':
		return c.object(dst, depth)
	case b == '[':
		return c.array(dst, depth)
	case b == '"':
		text, err := c.text()
		if err != nil {
			return nil, err
		}
		return appendText(dst, text), nil
	case b == '-' || b >= '0' && b <= '9':
		return c.number(dst)
	case b == 't':
		return c.literal(dst, "true")
	case b == 'f':
		return c.literal(dst, "false")
	case b == 'n':
		return c.literal(dst, "null")
	case c.pos >= len(c.src):
		return nil, errors.New("the text ends inside a value")
	default:
		return nil, fmt.Errorf("%q starts no value", b)
	}
}

func (c *canonicalizer) literal(dst []byte, word string) ([]byte, error) {
	if !bytes.HasPrefix(c.src[c.pos:], []byte(word)) {
		return nil, fmt.Errorf("want %s", word)
	}
	c.pos += len(word)
	return append(dst, word...), nil
}

func (c *canonicalizer) object(dst []byte, depth int) ([]byte, error) {
	c.pos++
	dst = append(dst, '{')
	first := len(dst)
	var few [12]member
	members := few[:0]
	sorted := true

	for c.space(); ; c.space() {
		if c.peek() == '}' && len(members) == 0 {
			break
		}
		if c.peek() != '"' {
			return nil, errors.New("want the name of a member")
		}
		name, err := c.text()
		if err != nil {
			return nil, err
		}
		if c.space(); c.peek() != ':' {
			return nil, errors.New("want a colon")
		}
		c.pos++
		c.space()
		if len(members) > 0 {
			dst = append(dst, ',')
			sorted = sorted && bytes.Compare(members[len(members)-1].name, name) < 0
		}
		start := len(dst)
		dst = append(appendText(dst, name), ':')
		if dst, err = c.value(dst, depth+1); err != nil {
			return nil, err
		}
		members = append(members, member{name, start, len(dst)})
		if c.space(); c.peek() != ',' {
			break
		}
		c.pos++
	}

	if c.peek() != '}' {
		return nil, errors.New("want a comma or the end of an object")
	}
	c.pos++
	if !sorted {
		if err := sortMembers(dst, first, members); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// sortMembers brings the text of an object, which starts at first, into order.
func sortMembers(dst []byte, first int, members []member) error {
	text := slices.Clone(dst[first:])
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	out := dst[:first]
	for i, m := range members {
		if i > 0 {
			if bytes.Equal(members[i-1].name, m.name) {
				return fmt.Errorf("the name %q occurs twice in one object", m.name)
			}
			out = append(out, ',')
		}
		out = append(out, text[m.start-first:m.end-first]...)
	}
	return nil
}

func (c *canonicalizer) array(dst []byte, depth int) ([]byte, error) {
	c.pos++
	dst = append(dst, '[')

	for c.space(); ; c.space() {
		if c.peek() == ']' && dst[len(dst)-1] == '[' {
			break
		}
		var err error
		if dst, err = c.value(dst, depth+1); err != nil {
			return nil, err
		}
		if c.space(); c.peek() != ',' {
			break
		}
		c.pos++
		dst = append(dst, ',')
	}

	if c.peek() != ']' {
		return nil, errors.New("want a comma or the end of an array")
	}
	c.pos++
	return append(dst, ']'), nil
}

// text reads a string and returns what it means. Without escapes that is a part
// of the input, not a copy.
func (c *canonicalizer) text() ([]byte, error) {
	c.pos++
	start := c.pos

	for c.pos < len(c.src) {
		switch b := c.src[c.pos]; {
		case b == '"':
			text := c.src[start:c.pos]
			c.pos++
			if !utf8.Valid(text) {
				return nil, errors.New("a string is not valid UTF-8")
			}
			return text, nil
		case b == '\\':
			return c.escapedText(slices.Clone(c.src[start:c.pos]))
		case b < ' ':
			return nil, errors.New("a string contains a control character: escape it")
		}
		c.pos++
	}

	return nil, errors.New("the text ends inside a string")
}

// escapedText goes on where text met the first backslash.
func (c *canonicalizer) escapedText(text []byte) ([]byte, error) {
	for c.pos < len(c.src) {
		b := c.src[c.pos]
		c.pos++
		switch {
		case b == '"':
			if !utf8.Valid(text) {
				return nil, errors.New("a string is not valid UTF-8")
			}
			return text, nil
		case b < ' ':
			return nil, errors.New("a string contains a control character: escape it")
		case b != '\\':
			text = append(text, b)
			continue
		}
		escape := c.peek()
		c.pos++
		if escape == 'u' {
			r, err := c.escapedRune()
			if err != nil {
				return nil, err
			}
			text = utf8.AppendRune(text, r)
			continue
		}
		i := bytes.IndexByte([]byte(`"\/bfnrt`), escape)
		if i < 0 {
			return nil, fmt.Errorf("unknown escape \\%c", escape)
		}
		text = append(text, "\"\\/\b\f\n\r\t"[i])
	}

	return nil, errors.New("the text ends inside a string")
}

func (c *canonicalizer) escapedRune() (rune, error) {
	r, err := c.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !bytes.HasPrefix(c.src[c.pos:], []byte(`\u`)) {
		return 0, errors.New("an escape is half of a surrogate pair")
	}
	c.pos += 2
	low, err := c.hex()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, errors.New("an escape is half of a surrogate pair")
	}
	return r, nil
}

func (c *canonicalizer) hex() (rune, error) {
	if c.pos+4 > len(c.src) {
		return 0, errors.New("the text ends inside an escape")
	}
	var r rune
	for _, b := range c.src[c.pos : c.pos+4] {
		switch {
		case b >= '0' && b <= '9':
			r = r<<4 | rune(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			r = r<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, errors.New("an escape has a digit that is not hexadecimal")
		}
	}
	c.pos += 4
	return r, nil
}

// appendText writes a string with as few escapes as JSON allows.
func appendText(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0

	for i, b := range text {
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
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
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		}
	}

	return append(append(dst, text[start:]...), '"')
}
