package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// aDigest is as wide as what has to stay in one piece on a terminal of 80 columns.
const aDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParagraphs(t *testing.T) {
	for _, test := range []struct {
		name, text  string
		width, hang int
		want        string
	}{
		{"one that fits", "taken          2026-11-21\n", 80, 15, "taken          2026-11-21\n"},
		{
			"further lines stand below the value", "history        seen for the first time, compared with nothing\n", 50, 15,
			"history        seen for the first time, compared\n               with nothing\n",
		},
		{"an indented line goes on further in", "    the server refused it\n", 24, 4, "    the server refused\n      it\n"},
		{
			"a digest has a line for itself", "               rows, schema 1.0, " + aDigest + "\n", 80, 15,
			"               rows, schema 1.0,\n    " + aDigest + "\n",
		},
		{"colours have no width", "\x1b[32mgood\x1b[0m, by appbur of A\n", 24, 4, "\x1b[32mgood\x1b[0m, by appbur of A\n"},
		{"wide characters have two", "日本語日本語 日本語日本語\n", 24, 4, "日本語日本語\n    日本語日本語\n"},
		{"each line for itself", "a\n\n  b\n", 24, 4, "a\n\n  b\n"},
		{"spaces within a line stay", "Deployment.apps   12 applied   3 converted\n", 30, 4, "Deployment.apps   12 applied\n    3 converted\n"},
	} {
		e, out, _ := testEnv(true)
		e.Width = test.width
		fmt.Fprint(e.paragraphs(test.hang), test.text)
		if out.String() != test.want {
			t.Errorf("%s:\n%q, want\n%q", test.name, out, test.want)
		}
	}
}

// Programs read lines.
func TestParagraphsInAPipe(t *testing.T) {
	e, out, _ := testEnv(false)
	e.Width = 40
	text := strings.Repeat("word ", 100) + "\n"
	if _, err := io.WriteString(e.paragraphs(15), text); err != nil || out.String() != text {
		t.Errorf("%q, %v", out, err)
	}
}

func FuzzParagraphs(f *testing.F) {
	f.Add("history        "+longWhy+"\n", uint8(80), uint8(15))
	f.Add(wideWhy+"\n\n    "+hostileWhy, uint8(40), uint8(4))
	f.Add("\x1b[0m \xae00000000000000000000", uint8(24), uint8(4))
	f.Add("  \x1b[32mgood\x1b[0m  "+aDigest, uint8(24), uint8(200))
	f.Fuzz(func(t *testing.T, text string, width, hang uint8) {
		e, out, _ := testEnv(true)
		e.Width = int(width)
		fmt.Fprint(e.paragraphs(int(hang)), text)

		if got, want := strings.Fields(out.String()), strings.Fields(text); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("words changed: %q, want %q", got, want)
		}
		p := paragraphs{}
		for line := range strings.Lines(out.String()) {
			line = strings.Trim(line, " \n")
			if width > 0 && p.widthOf(line) > max(int(width), narrowest) && strings.Contains(line, " ") {
				t.Errorf("at %d columns a line is %d wide: %q", width, p.widthOf(line), line)
			}
		}
	})
}
