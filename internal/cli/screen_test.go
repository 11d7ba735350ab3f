package cli

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// screen is a terminal as far as this program uses one: text, lines, the way back to the
// beginning of a line, the emptying of its rest, colours.
type screen struct {
	width int

	mu     sync.Mutex
	lines  [][]rune
	column int
	rest   []byte
	// wrapped are the lines that were too long.
	wrapped []string
	// drawn are the states of the last line that a person could see, one after the other.
	drawn []string
}

// Write implements [io.Writer]; each call is seen as a whole.
func (s *screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, data...)
	for len(s.rest) > 0 {
		n := s.take(s.rest)
		if n == 0 {
			break
		}
		s.rest = s.rest[n:]
	}

	if line := s.last(); line != "" && (len(s.drawn) == 0 || s.drawn[len(s.drawn)-1] != line) {
		s.drawn = append(s.drawn, line)
	}
	return len(data), nil
}

// take obeys what stands first, and returns how long it is, 0 if it is not whole.
func (s *screen) take(data []byte) int {
	if len(s.lines) == 0 {
		s.lines = [][]rune{nil}
	}
	at := len(s.lines) - 1
	switch {
	case data[0] == '\r':
		s.column = 0
		return 1
	case data[0] == '\n':
		s.lines, s.column = append(s.lines, nil), 0
		return 1
	case data[0] == '\x1b':
		end := slices.IndexFunc(data, func(b byte) bool { return b >= '@' && b <= '~' && b != '[' })
		if end >= 0 && data[end] == 'K' {
			s.lines[at] = s.lines[at][:min(s.column, len(s.lines[at]))]
		}
		return end + 1
	case !utf8.FullRune(data):
		return 0
	}

	r, n := utf8.DecodeRune(data)
	if s.column == s.width {
		s.wrapped = append(s.wrapped, string(s.lines[at]))
		s.lines, s.column = append(s.lines, nil), 0
		at++
	}
	for len(s.lines[at]) <= s.column {
		s.lines[at] = append(s.lines[at], ' ')
	}
	s.lines[at][s.column] = r
	s.column++
	return n
}

func (s *screen) last() string {
	if len(s.lines) == 0 {
		return ""
	}
	return strings.TrimRight(string(s.lines[len(s.lines)-1]), " ")
}

// text is all that is to be seen.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	for i, line := range s.lines {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(strings.TrimRight(string(line), " "))
	}
	return out.String()
}

// seen are the states of the last line so far.
func (s *screen) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.drawn)
}

// forget makes seen begin anew.
func (s *screen) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drawn = nil
}
