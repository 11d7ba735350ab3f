package contract

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"
)

// decimal is a number without rounding: 0.digits × 10^point, with neither a
// leading nor a trailing zero among the digits. Zero has no digits.
type decimal struct {
	negative bool
	digits   []byte
	point    int
}

// largestExponent bounds the exponents that are read. No format in use has
// larger ones, and nothing here computes with them.
const largestExponent = 1_000_000

// number reads a number. Integers are copied: they may be identifiers of 64 bits
// or more, and any change of form would make some reader round them.
func (c *canonicalizer) number(dst []byte) ([]byte, error) {
	end, integer, err := scanNumber(c.src[c.pos:])
	if err != nil {
		return nil, err
	}
	literal := c.src[c.pos : c.pos+end]
	c.pos += end
	if integer {
		return append(dst, literal...), nil
	}
	d, err := parseDecimal(literal)
	if err != nil {
		return nil, err
	}
	return d.append(dst), nil
}

// scanNumber returns the length of the number that src starts with, by the
// grammar of JSON, and whether it has neither fraction nor exponent.
func scanNumber(src []byte) (end int, integer bool, err error) {
	i := 0
	digits := func() int {
		n := i
		for i < len(src) && src[i] >= '0' && src[i] <= '9' {
			i++
		}
		return i - n
	}

	if i < len(src) && src[i] == '-' {
		i++
	}

	first := i
	switch n := digits(); {
	case n == 0:
		return 0, false, errors.New("a number has no digits")
	case n > 1 && src[first] == '0':
		return 0, false, errors.New("a number has a leading zero")
	}

	integer = true
	if i < len(src) && src[i] == '.' {
		i++
		integer = false
		if digits() == 0 {
			return 0, false, errors.New("a number has no digits after the point")
		}
	}

	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		i++
		integer = false
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		if digits() == 0 {
			return 0, false, errors.New("a number has no digits in its exponent")
		}
	}

	return i, integer, nil
}

// parseDecimal reads a literal that scanNumber accepted.
func parseDecimal(literal []byte) (decimal, error) {
	var d decimal
	mantissa, negative := bytes.CutPrefix(literal, []byte("-"))
	d.negative = negative
	exponent := 0

	if i := indexExponent(mantissa); i >= 0 {
		var err error
		exponent, err = strconv.Atoi(string(mantissa[i+1:]))
		if err != nil || exponent > largestExponent || exponent < -largestExponent {
			return decimal{}, errors.New("a number has an exponent beyond all reason")
		}
		mantissa = mantissa[:i]
	}

	integer, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := integer
	if len(fraction) > 0 {
		digits = slices.Concat(integer, fraction)
	}
	trimmed := bytes.TrimLeft(digits, "0")
	d.point = len(integer) - (len(digits) - len(trimmed)) + exponent
	d.digits = bytes.TrimRight(trimmed, "0")
	if len(d.digits) == 0 {
		d.point = 0
	}
	return d, nil
}

// indexExponent finds the letter before an exponent.
func indexExponent(mantissa []byte) int {
	return slices.IndexFunc(mantissa, func(b byte) bool { return b|0x20 == 'e' })
}

// append writes the number as ECMAScript's Number::toString lays one out, with
// all its digits.
func (d decimal) append(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}

	n := len(d.digits)
	switch {
	case n == 0:
		return append(dst, '0')
	case n <= d.point && d.point <= 21:
		dst = append(dst, d.digits...)
		return append(dst, bytes.Repeat([]byte("0"), d.point-n)...)
	case 0 < d.point && d.point <= 21:
		dst = append(dst, d.digits[:d.point]...)
		return append(append(dst, '.'), d.digits[d.point:]...)
	case -6 < d.point && d.point <= 0:
		dst = append(dst, "0."...)
		dst = append(dst, bytes.Repeat([]byte("0"), -d.point)...)
		return append(dst, d.digits...)
	}

	dst = append(dst, d.digits[0])
	if n > 1 {
		dst = append(append(dst, '.'), d.digits[1:]...)
	}
	dst = append(dst, 'e')
	exponent := d.point - 1
	if exponent > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, int64(exponent), 10)
}

// compare orders by value.
func (d decimal) compare(e decimal) int {
	sign := func(x decimal) int {
		switch {
		case len(x.digits) == 0:
			return 0
		case x.negative:
			return -1
		default:
			return 1
		}
	}
	if c := cmp.Compare(sign(d), sign(e)); c != 0 || sign(d) == 0 {
		return c
	}
	return sign(d) * cmp.Or(cmp.Compare(d.point, e.point), bytes.Compare(d.digits, e.digits))
}
