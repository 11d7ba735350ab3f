package contract

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// isCanonical reports, in one pass and without memory of its own, whether a row is
// in canonical form. It is conservative: some rows that are, such as those with
// fractions or escaped names, are left to [Canonical], which then changes nothing.
// Most rows come from an export, where it says yes, so it decides how fast payloads
// move.
func isCanonical(row []byte) bool {
	s := scanner{src: row}
	return len(row) > 0 && row[0] == '{' && s.object(0) && s.pos == len(row)
}

type scanner struct {
	src []byte
	pos int
}

func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) value(depth int) bool {
	if depth > deepest {
		return false
	}

	switch b := s.peek(); b {
	case '"':
		_, _, ok := s.text()
		return ok
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		end, integer, err := scanNumber(s.src[min(s.pos, len(s.src)):])
		s.pos += end
		return err == nil && integer
	}
}

func (s *scanner) word(w string) bool {
	if len(s.src)-s.pos < len(w) || string(s.src[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

// object accepts members in strictly increasing order of names without escapes.
func (s *scanner) object(depth int) bool {
	s.pos++
	if s.peek() == '}' {
		s.pos++
		return true
	}
	var last []byte

	for first := true; ; first = false {
		if s.peek() != '"' {
			return false
		}
		name, escaped, ok := s.text()
		if !ok || escaped || s.peek() != ':' || !first && bytes.Compare(last, name) >= 0 {
			return false
		}
		s.pos++
		last = name
		if !s.value(depth + 1) {
			return false
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return true
		default:
			return false
		}
	}
}

func (s *scanner) array(depth int) bool {
	s.pos++
	if s.peek() == ']' {
		s.pos++
		return true
	}

	for {
		if !s.value(depth + 1) {
			return false
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return true
		default:
			return false
		}
	}
}

// text passes a string whose escapes are the short ones.
func (s *scanner) text() (raw []byte, escaped, ok bool) {
	s.pos++
	start := s.pos
	ascii := true

	for {
		n, plain := plainText(s.src[s.pos:])
		ascii = ascii && plain
		s.pos += n
		switch s.peek() {
		case '"':
			raw = s.src[start:s.pos]
			s.pos++
			return raw, escaped, ascii || utf8.Valid(raw)
		case '\\':
			escaped = true
			if s.pos+1 >= len(s.src) || bytes.IndexByte([]byte(`"\bfnrt`), s.src[s.pos+1]) < 0 {
				return nil, true, false
			}
			s.pos += 2
		default:
			return nil, false, false // a control character, or the end of the text
		}
	}
}

// plainText returns how many bytes come before the first quotation mark, backslash
// or control character, and whether all of them are ASCII. Long texts are looked at
// in blocks: within one, the library finds the first of a single byte faster than
// anything that looks for several at once.
func plainText(src []byte) (n int, ascii bool) {
	n, ascii = plainWords(src[:min(len(src), shortText)])
	if n < shortText {
		return n, ascii
	}

	for ascii && n < len(src) {
		block := src[n:min(len(src), n+textBlock)]
		end := len(block)
		for _, b := range []byte(`"\`) {
			if i := bytes.IndexByte(block[:end], b); i >= 0 {
				end = i
			}
		}
		if !isPlainASCII(block[:end]) {
			break
		}
		if n += end; end < len(block) {
			return n, true
		}
	}

	rest, plain := plainWords(src[n:])
	return n + rest, ascii && plain
}

const (
	// shortText is where the search in blocks begins to pay.
	shortText = 32
	// textBlock bounds what is looked at in vain for a quotation mark, in a text with
	// many backslashes.
	textBlock = 512
)

// The words of plainWords and isPlainASCII.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// isPlainASCII reports whether all bytes are ASCII and none is a control character.
func isPlainASCII(block []byte) bool {
	var found uint64
	for ; len(block) >= 32; block = block[32:] {
		a, b := binary.LittleEndian.Uint64(block), binary.LittleEndian.Uint64(block[8:])
		c, d := binary.LittleEndian.Uint64(block[16:]), binary.LittleEndian.Uint64(block[24:])
		// A byte below U+0020 borrows from its high bit, one that is not ASCII has it.
		found |= (a - ones*' ') | a | (b - ones*' ') | b | (c - ones*' ') | c | (d - ones*' ') | d
	}
	for _, b := range block {
		found |= uint64(b-' ') | uint64(b)
	}
	return found&highs == 0
}

// plainWords is plainText, eight bytes at a time; the tests for bytes within a word
// are those of Mycroft, as in Anderson's "Bit Twiddling Hacks".
func plainWords(src []byte) (n int, ascii bool) {
	var seen uint64
	for len(src)-n >= 8 {
		w := binary.LittleEndian.Uint64(src[n:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// Each term marks the high bit of a byte that is, in turn, below U+0020, a
		// quotation mark, a backslash. Bytes above the first mark may be marked wrongly;
		// only the lowest mark is used, and that one is right.
		special := ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if special != 0 {
			n += bits.TrailingZeros64(special) / 8
			seen |= w & (1<<(8*uint(bits.TrailingZeros64(special)/8)) - 1)
			return n, seen&highs == 0
		}
		seen |= w
		n += 8
	}

	ascii = seen&highs == 0
	for ; n < len(src); n++ {
		b := src[n]
		if b == '"' || b == '\\' || b < ' ' {
			break
		}
		ascii = ascii && b < utf8.RuneSelf
	}

	return n, ascii
}
