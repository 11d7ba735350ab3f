package history

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// units are those of a time span in words: the usual ones of Go and two longer ones.
var units = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

// layouts are the ways to write a moment. Without a zone it is UTC, because an answer
// must not depend on the local time zone.
var layouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// ParseMoment reads a moment: RFC 3339, a date, which means its first second in UTC,
// or how long ago, such as 90m, 36h, 2d or 1w12h.
func ParseMoment(text string, now time.Time) (time.Time, error) {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if ago, err := parseSpan(text); err == nil {
		return now.Add(-ago), nil
	}
	return time.Time{}, appbur.WithHint(fmt.Errorf("time %q: %w", text, ErrNotUnderstood),
		"write 2026-11-20, 2026-11-20T15:04:05Z, or how long ago: 90m, 36h, 2d, 1w")
}

// maxSpan keeps a span from overflowing: 200 years of history is enough.
const maxSpan = 200 * 365 * 24 * time.Hour

func parseSpan(text string) (time.Duration, error) {
	var sum time.Duration
	rest := text
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits == len(rest) {
			return 0, fmt.Errorf("%q is no span", text)
		}
		unit, known := units[rest[digits]]
		n, err := strconv.ParseInt(rest[:digits], 10, 32)
		if err != nil || !known {
			return 0, fmt.Errorf("%q is no span", text)
		}
		if time.Duration(n) > (maxSpan-sum)/unit {
			return 0, fmt.Errorf("%q is too long", text)
		}
		sum += time.Duration(n) * unit
		rest = rest[digits+1:]
	}

	if text == "" {
		return 0, errors.New("no span")
	}
	return sum, nil
}
