package pieces

import (
	"fmt"
	"strings"
)

// Pieces are named by what they begin with, so that a piece keeps its name when
// something before it grows or shrinks, and git, which looks for the base of a
// delta among files of the same name, finds the piece of the point before.
//
// The name of a plain piece of rows is readable: `ls` lists pieces in the order of
// their keys. The hash before the suffix makes names of one length differ where
// git's own hash of names looks (it sees the last sixteen characters, and digits
// in them hardly at all): without it a 1 % change added up to three times as much.

// nameLimit bounds the readable part. Beyond it names may be out of order, which
// nothing depends on: the description of the point lists the pieces in order.
const nameLimit = 64

// Name is the file name of a piece, without a suffix: its key, readable, or a hash.
func (p Piece) Name() string {
	if p.Keyed {
		return keyName(p.Start)
	}
	return fmt.Sprintf("%016x", hashKey(0, p.Start))
}

// keyName writes a key as a file name. Names sort as their keys do.
func keyName(key []byte) string {
	var b strings.Builder
	for i, part := range ParseKey(key) {
		if i > 0 {
			b.WriteByte('+') // lower than all that a part is written with
		}
		part.appendName(&b)
	}
	name := b.String()
	if len(name) > nameLimit {
		name = name[:nameLimit]
	}
	// The comma is lower than what a longer last part goes on with.
	return name + fmt.Sprintf(",%08x", uint32(hashKey(0, key)>>32))
}

// appendName writes one value. The first letter is its kind, in the order of kinds.
func (p keyPart) appendName(b *strings.Builder) {
	switch p.kind {
	case kindFalse:
		b.WriteString("a0")
	case kindTrue:
		b.WriteString("a1")
	case kindNumber:
		p.number.appendName(b)
	default:
		b.WriteByte('s')
		escapeInOrder(b, p.text)
	}
}

// largestNameExponent bounds what is written of a number's magnitude: one letter
// for each side of zero.
const largestNameExponent = 24

// appendName writes a number so that text order is number order: the count of
// digits before the point as a letter, then the digits. Of a negative number all
// of it is turned round.
func (d decimal) appendName(b *strings.Builder) {
	sign := d.sign()
	if sign == 0 {
		b.WriteString("n")
		return
	}
	magnitude := min(max(d.point, 0), largestNameExponent)
	digits := d.digits
	if d.point < 0 {
		digits = strings.Repeat("0", min(-d.point, nameLimit)) + digits
	}
	if missing := magnitude - len(digits); missing > 0 {
		digits += strings.Repeat("0", missing)
	}
	whole, fraction := digits[:magnitude], digits[magnitude:]

	if sign > 0 {
		b.WriteByte('n')
		b.WriteByte(byte('a' + magnitude))
		b.WriteString(whole)
		if fraction != "" {
			b.WriteByte('-') // higher than the comma that ends an integer
			b.WriteString(fraction)
		}
		return
	}

	b.WriteByte('m')
	b.WriteByte(byte('z' - magnitude))
	for _, digit := range []byte(whole + fraction) {
		b.WriteByte('9' - digit + '0')
	}
	b.WriteByte('~') // what has more digits is lower
}

// escapeInOrder writes text with lower-case letters and digits only, and escapes
// that begin with a character in the right place of the order, so that no file
// system folds two names into one and names sort as texts do.
func escapeInOrder(b *strings.Builder, text string) {
	for _, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
			b.WriteByte(c)
		case c < '0':
			fmt.Fprintf(b, "-%02x", c)
		case c < 'a':
			fmt.Fprintf(b, "_%02x", c)
		default:
			fmt.Fprintf(b, "~%02x", c)
		}
		if b.Len() > nameLimit {
			return
		}
	}
}
