package manifest

import (
	"strings"
	"unicode/utf8"
)

// text writes a text on one line: as it is where every reader takes it for a text,
// in double quotes otherwise.
func (w *writer) text(s string) {
	if plainFits(s) {
		w.out = append(w.out, s...)
		return
	}
	w.quoted(s)
}

// reserved are the words that some reader takes for a boolean, null or a number
// (YAML 1.1 types bool, null and float; YAML 1.2 core schema), in lower case.
var reserved = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true,
	"null": true, "nan": true, "inf": true, "infinity": true,
}

// longestReserved is the length of the longest reserved word.
const longestReserved = len("infinity")

// plainFits reports whether a text can be written without quotes. It is stricter
// than any reader, so that it does not matter which one reads it.
func plainFits(s string) bool {
	if s == "" || s[len(s)-1] == ' ' || s[len(s)-1] == ':' {
		return false
	}
	first := s[0]
	digit := first >= '0' && first <= '9'
	if !digit && !letter(first) && first != '/' {
		return false
	}

	plain := 1
	for plain < len(s) && ordinary[s[plain]] {
		plain++
	}
	if plain == len(s) && !digit {
		return len(s) > longestReserved || !mayBeReserved[first] || !reserved[strings.ToLower(s)]
	}
	number := digit

	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x7f || c < ' ':
			return false
		case c == ':' && !letter(s[i+1]) && (s[i+1] < '0' || s[i+1] > '9') && s[i+1] != '/':
			return false
		case c == '#' && s[i-1] == ' ':
			return false
		case c == '<' && s[i-1] == '<':
			return false // goccy/go-yaml sees a merge key wherever these two are
		case number && !numeric[c]:
			number = false
		}
	}

	if number {
		return false
	}
	return len(s) > longestReserved || !reserved[strings.ToLower(s)]
}

// numeric marks the bytes that some reader accepts in a number, a date or a
// sexagesimal. A text that begins with a digit and has no other byte is quoted.
var numeric = func() (set [256]bool) {
	for _, c := range []byte("0123456789abcdefABCDEFxXoO_.,:+-tTzZ ") {
		set[c] = true
	}
	return set
}()

// ordinary marks the bytes that mean nothing to any reader inside a text, which are
// all that most keys and values consist of.
var ordinary = func() (set [256]bool) {
	for _, c := range []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-./") {
		set[c] = true
	}
	return set
}()

// mayBeReserved marks the bytes that reserved words begin with.
var mayBeReserved = func() (set [256]bool) {
	for word := range reserved {
		set[word[0]], set[word[0]-'a'+'A'] = true, true
	}
	return set
}()

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

const hexDigits = "0123456789abcdef"

// quoted writes a text in double quotes. Everything that is not printable in YAML
// 1.1 or that is a line break there is escaped.
func (w *writer) quoted(s string) {
	w.out = append(w.out, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				w.out = append(w.out, '\\', c)
			case c == '\n':
				w.out = append(w.out, '\\', 'n')
			case c == '\t':
				w.out = append(w.out, '\\', 't')
			case c == '\r':
				w.out = append(w.out, '\\', 'r')
			case c < ' ' || c == 0x7f:
				w.out = append(w.out, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			default:
				w.out = append(w.out, c)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if unprintable(r) {
			w.out = append(w.out, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		} else {
			w.out = append(w.out, s[i:i+size]...)
		}
		i += size
	}

	w.out = append(w.out, '"')
}

// unprintable reports for a character outside ASCII whether it must be escaped: the C1
// controls with NEL among them, the line and paragraph separators, the byte order
// mark and the two code points that YAML excludes. All have four hexadecimal digits.
func unprintable(r rune) bool {
	return r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffe' || r == '\uffff'
}

// blockFits reports whether a text can be written as a literal block that every
// reader gives back: several lines, no character that needs an escape, a first line
// whose indentation cannot be misread, no white space at the end.
func blockFits(s string) bool {
	if !strings.Contains(s, "\n") {
		return false
	}
	body := strings.TrimRight(s, "\n")
	lead := strings.TrimLeft(body, "\n")
	if lead == "" || lead[0] == ' ' || lead[0] == '\t' {
		return false
	}
	if end := body[len(body)-1]; end == ' ' || end == '\t' {
		return false // goccy/go-yaml loses white space at the end of a block
	}

	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if unprintable(r) {
			return false
		}
		i += size
	}

	return true
}
