package appbur_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

const widestProse = 120

// unbreakable is a line of one word, code span or link: no line break can make it shorter.
var unbreakable = regexp.MustCompile("^\\s*(?:(?:[-*+]|\\d+\\.)\\s+)?(?:`[^`]*`|\\[[^\\]]*\\]\\([^)]*\\)|\\S)+$")

// Prose in Markdown fits a terminal and a review side by side. Tables and code are as wide as they are.
func TestProseInMarkdownHasNarrowLines(t *testing.T) {
	lines := 0
	for _, page := range markdownPages(t) {
		if filepath.Dir(page) == filepath.Join("docs", "cli") {
			continue // cobra writes it, from help texts with lines of their own
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}

		inCode := false
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				inCode = !inCode
				continue
			}
			if inCode || strings.HasPrefix(line, "|") {
				continue
			}

			lines++
			if width := utf8.RuneCountInString(line); width > widestProse && !unbreakable.MatchString(line) {
				t.Errorf("%s:%d: %d characters, at most %d are allowed in prose", page, i+1, width, widestProse)
			}
		}
	}

	if lines < 1000 {
		t.Errorf("only %d lines of prose were measured", lines)
	}
}
