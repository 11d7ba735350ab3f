package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestATerminalIsNotObeyedByText(t *testing.T) {
	for _, test := range []struct{ name, text, shown string }{
		{"text", "web, ünïcode, 日本\tand lines\n", "web, ünïcode, 日本\tand lines\n"},
		{"our colours", "\x1b[32mcomplete\x1b[0m", "\x1b[32mcomplete\x1b[0m"},
		{"another colour, which hides", "\x1b[8mhidden", `\x1b[8mhidden`},
		{"a line that is overwritten", "bad\rgood", `bad\x0dgood`},
		{"a cursor that moves", "\x1b[2J\x1b[1;1H", `\x1b[2J\x1b[1;1H`},
		{"a title", "\x1b]0;pwned\a", `\x1b]0;pwned\x07`},
		{"a clipboard", "\x1b]52;c;cm0gLXJm\x1b\\", `\x1b]52;c;cm0gLXJm\x1b\`},
		{"a control character above ASCII", "\u009b31m", `\u009b31m`},
		{"the same as a byte", "\x9b31m", `\x9b31m`},
		{"backspaces", "rm -rf /\b\b\b\b", `rm -rf /\x08\x08\x08\x08`},
		{"an order of characters that is turned", "user\u202etxt.exe", `user\u202etxt.exe`},
		{"DEL", "\x7f", `\x7f`},
	} {
		var out bytes.Buffer
		if n, err := io.WriteString(&terminalWriter{out: &out}, test.text); n != len(test.text) || err != nil {
			t.Errorf("%s: wrote %d, %v", test.name, n, err)
		}
		if out.String() != test.shown {
			t.Errorf("%s: %q is shown as %q, want %q", test.name, test.text, out.String(), test.shown)
		}
	}
}

func TestACharacterInTwoWritesIsOne(t *testing.T) {
	var out bytes.Buffer
	w := &terminalWriter{out: &out}
	for _, b := range []byte("é日\x1bx") {
		if _, err := w.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != `é日\x1bx` {
		t.Errorf("%q", out.String())
	}
}

// What a command says on a terminal passes the writer, be it an answer or an error.
func TestCommandsEscapeForTerminals(t *testing.T) {
	var out, errs bytes.Buffer
	e := &env{
		Streams: &Streams{In: strings.NewReader(""), Out: &out, Err: &errs, OutTerminal: true, ErrTerminal: true, Colour: true},
		now:     time.Now, rand: rand.Reader, getenv: func(string) string { return "" },
	}
	if code := Run(context.Background(), e, []string{"points", "list", "--repo", "/no\x1b]0;pwned\asuch"}); code != ExitNotFound {
		t.Errorf("exit code %d", code)
	}
	if text := errs.String(); !strings.Contains(text, "pwned") ||
		strings.ContainsAny(strings.NewReplacer("\x1b[31m", "", "\x1b[36m", "", "\x1b[0m", "").Replace(text), "\a\x1b") {
		t.Errorf("the error was %q", errs.String())
	}
}

func FuzzTerminalWriter(f *testing.F) {
	f.Add([]byte("\x1b[31m\x1b[31;1m\x1b]8;;x\x1b\\"), 3)
	f.Add([]byte("\xc2\x9b\xe2\x80\xae"), 1)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		var out bytes.Buffer
		w := &terminalWriter{out: &out}
		cut = max(0, min(cut, len(data)))
		_, _ = w.Write(data[:cut])
		_, _ = w.Write(data[cut:])

		shown := out.Bytes()
		for _, colour := range ownColours {
			shown = bytes.ReplaceAll(shown, colour, nil)
		}
		for _, r := range string(shown) {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Fatalf("%q is shown as %q", data, out.Bytes())
			}
		}
	})
}
