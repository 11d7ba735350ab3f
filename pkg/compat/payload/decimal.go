package payload

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxExponent bounds the exponents that are read. No format in use has larger
// ones, and nothing here computes with them.
const maxExponent = 1_000_000

var errNumber = errors.New("not a number")

// canonicalNumber writes a JSON number without ever rounding it. Integers stay as
// they are written, whatever their size: they may be identifiers. Other numbers
// are laid out as ECMAScript does, with all their digits: below 1e21 in full,
// small fractions in full, the rest with an exponent.
func canonicalNumber(literal string) (string, error) {
	if isInteger(literal) {
		return literal, nil
	}
	digits, exponent, negative, err := parseDecimal(literal)
	if err != nil {
		return "", err
	}
	sign := ""
	if negative {
		sign = "-"
	}
	if digits == "" {
		return sign + "0", nil
	}

	// The value is 0.DIGITS times ten to the power of point.
	point := len(digits) + exponent
	switch {
	case exponent >= 0 && point <= 21:
		return sign + digits + strings.Repeat("0", exponent), nil
	case point > 0 && point <= 21:
		return sign + digits[:point] + "." + digits[point:], nil
	case point > -6 && point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits, nil
	default:
		mantissa := digits[:1]
		if len(digits) > 1 {
			mantissa += "." + digits[1:]
		}
		return fmt.Sprintf("%s%se%+d", sign, mantissa, point-1), nil
	}
}

// isInteger recognises a JSON number without fraction and exponent.
func isInteger(literal string) bool {
	digits := strings.TrimPrefix(literal, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == "" && (digits == "0" || digits[0] != '0')
}

// parseDecimal splits a JSON number into digits without zeros at either end, and
// the power of ten they are multiplied by. Zero has no digits.
func parseDecimal(literal string) (digits string, exponent int, negative bool, err error) {
	rest, negative := strings.CutPrefix(literal, "-")
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		exponent, err = strconv.Atoi(strings.TrimPrefix(rest[i+1:], "+"))
		if err != nil || exponent > maxExponent || exponent < -maxExponent {
			return "", 0, false, fmt.Errorf("%w: exponent of %.40q is out of range", errNumber, literal)
		}
		rest = rest[:i]
	}
	integer, fraction, _ := strings.Cut(rest, ".")
	digits = integer + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", 0, false, fmt.Errorf("%w: %.40q", errNumber, literal)
	}
	exponent -= len(fraction)
	digits = strings.TrimLeft(digits, "0")
	trimmed := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	return trimmed, exponent, negative, nil
}
