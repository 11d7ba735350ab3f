package markdown

import (
	"strings"
	"unicode"
)

// Code is a text as a code span in one line. Characters that a terminal or a viewer would act on are left out of it: what
// is copied from a page is what the page shows.
func Code(text string) string {
	shown := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
	fence := strings.Repeat("`", longestRun(shown)+1)

	// One space on each side is not part of the span; it keeps a backtick there from joining the fence.
	if shown == "" || strings.HasPrefix(shown, "`") || strings.HasSuffix(shown, "`") ||
		strings.HasPrefix(shown, " ") && strings.HasSuffix(shown, " ") {
		shown = " " + shown + " "
	}
	return fence + shown + fence
}

// longestRun is the length of the longest run of backticks.
func longestRun(text string) (longest int) {
	run := 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
