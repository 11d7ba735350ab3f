package manifest

import (
	"bytes"
	"strconv"
	"strings"
)

// words are texts that YAML 1.1 takes for something else, in any case.
var words = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true,
	"null": true, "nan": true, "inf": true,
}

func isWord(text []byte) bool { return len(text) <= 5 && words[strings.ToLower(string(text))] }

// plainScalar reads a text without quotes.
func plainScalar(text []byte) (any, bool) {
	if i := bytes.Index(text, []byte(" #")); i >= 0 {
		text = bytes.TrimRight(text[:i], " ")
	}
	if bytes.Contains(text, []byte(": ")) || text[len(text)-1] == ':' {
		return nil, false
	}
	return plainValue(text)
}

// plainValue says what a text without quotes is. What could be a number of some other notation, or a time, is not of this part.
func plainValue(text []byte) (any, bool) {
	switch string(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null", "~":
		return nil, true
	}
	first := text[0]
	switch {
	case isWord(text) || first == '~':
		return nil, false
	case first >= '0' && first <= '9':
		return number(text)
	case first == '-' && len(text) > 1 && text[1] >= '0' && text[1] <= '9':
		return number(text)
	case (first == '-' || first == '+' || first == '.') && (len(text) == 1 || !isLetter(text[1]) && text[1] != '-' && text[1] != '/'):
		return nil, false
	case first == '.' && strings.ContainsRune("iInN", rune(text[1])), first == '+', first == '-' && text[1] == '.':
		return nil, false
	}
	return string(text), true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// number reads a decimal integer, or a text that begins like one.
func number(text []byte) (any, bool) {
	digits, dots, odd := 0, 0, false
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			dots++
		case strings.IndexByte("abcdefABCDEFxXoO_+-:TtZz ", c) < 0:
			odd = true
		}
	}

	unsigned := bytes.TrimPrefix(text, []byte("-"))
	switch {
	case odd:
		return string(text), true
	case digits == len(unsigned) && digits <= 18 && (unsigned[0] != '0' || digits == 1 && len(text) == 1):
		n, err := strconv.ParseInt(string(text), 10, 64)
		return n, err == nil
	case dots >= 2 && digits+dots == len(text) && text[len(text)-1] != '.':
		return string(text), true
	}
	return nil, false
}
