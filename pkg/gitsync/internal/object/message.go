package object

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Trailer is one "Key: value" line at the end of a commit message, which
// `git log --format='%(trailers:key=…)'` finds.
type Trailer struct {
	Key   string
	Value string
}

// FormatMessage joins subject, body and trailers, each a paragraph of its own.
// Line breaks inside the subject or a trailer's value become spaces, so that no
// value can pretend to be another trailer.
func FormatMessage(subject, body string, trailers []Trailer) (string, error) {
	subject = oneLine(subject)
	if subject == "" {
		return "", errors.New("the subject of a commit is empty")
	}
	var b strings.Builder
	b.WriteString(subject + "\n")
	if body = strings.TrimSpace(CleanText(body)); body != "" {
		b.WriteString("\n" + body + "\n")
	}

	for i, t := range trailers {
		if !validTrailerKey(t.Key) {
			return "", fmt.Errorf("%q cannot be the key of a trailer: want letters, digits and dashes", t.Key)
		}
		if i == 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimSpace(t.Key+": "+oneLine(t.Value)) + "\n")
	}

	return b.String(), nil
}

func validTrailerKey(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	})
}

// CleanText drops what git refuses or terminals act upon: control characters
// other than line breaks and tabs, and what is not UTF-8.
func CleanText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

func oneLine(s string) string { return strings.Join(strings.Fields(CleanText(s)), " ") }

// parseTrailers returns the trailers of a message: its last paragraph, if every
// line of it has the form of one.
func parseTrailers(message string) []Trailer {
	message = strings.TrimRight(message, "\n")
	start := strings.LastIndex(message, "\n\n")
	if start < 0 {
		return nil // the subject is no trailer
	}
	var trailers []Trailer
	for line := range strings.SplitSeq(message[start+2:], "\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || !validTrailerKey(key) {
			return nil
		}
		trailers = append(trailers, Trailer{Key: key, Value: strings.TrimSpace(value)})
	}
	return trailers
}
