package markdown_test

import (
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/markdown"
)

func TestTextIsShownAsItIs(t *testing.T) {
	for text, want := range map[string]string{
		"ConfigMap/shop/settings": "ConfigMap/shop/settings",
		"a|b":                     `a\|b`,
		"*bold* _x_ `code`":       "\\*bold\\* \\_x\\_ \\`code\\`",
		"<script>&":               "&lt;script&gt;&amp;",
		"![x](y)":                 `\!\[x\](y)`,
		"# heading":               `\# heading`,
		"@everyone":               `@<!-- -->everyone`,
		"see https://a.example":   `see https\://a.example`,
		"www.example.org":         `www\.example.org`,
		"two\nlines\tand\ttabs":   "two lines and tabs",
		"bell\a and \u202eback":   `bell\\u0007 and \\u202eback`,
	} {
		if got := markdown.Text(text); got != want {
			t.Errorf("Text(%q)\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestCodeIsOneSpan(t *testing.T) {
	for text, want := range map[string]string{
		"appbur plan latest": "`appbur plan latest`",
		"a `b` c":            "``a `b` c``",
		"`b`":                "`` `b` ``",
		"":                   "`  `",
		"two\nlines":         "`two lines`",
		"\x1b[31mred":        "`\uFFFD[31mred`",
	} {
		if got := markdown.Code(text); got != want {
			t.Errorf("Code(%q)\n got %s\nwant %s", text, got, want)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb")
	f.Add("`` ` ```")
	f.Add("\x00\u2028\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, got := range map[string]string{"Text": markdown.Text(text), "Code": markdown.Code(text)} {
			if strings.ContainsAny(got, "\n\r\x00\x1b") {
				t.Errorf("%s(%q) leaves its line: %q", name, text, got)
			}
		}
	})
}
