package cli

import "strings"

// oneLine keeps messages from other programs (API servers, applications) from
// breaking out of their line or driving the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0:
			return -1
		default:
			return r
		}
	}, text)
}
