package linediff_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/internal/linediff"
)

// gitDiff is stock git's answer, without its file headers.
func gitDiff(t *testing.T, dir, a, b string) string {
	t.Helper()
	for name, text := range map[string]string{"a": a, "b": b} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("git", "diff", "--no-index", "--no-color", "a", "b")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("git diff: %v", err)
	}
	if at := bytes.Index(out, []byte("@@ ")); at >= 0 {
		return string(out[at:])
	}
	return ""
}

// apply proves that hunks turn one text into the other.
func apply(a, b [][]byte) string {
	var out strings.Builder
	at := 0
	for _, h := range linediff.Compare(a, b) {
		out.Write(bytes.Join(a[at:h.A], nil))
		out.Write(bytes.Join(b[h.B:h.BEnd], nil))
		at = h.AEnd
	}
	out.Write(bytes.Join(a[at:], nil))
	return out.String()
}

func compareWithGit(t *testing.T, dir, a, b string) {
	t.Helper()
	from, to := linediff.Lines([]byte(a)), linediff.Lines([]byte(b))
	if got := apply(from, to); got != b {
		t.Fatalf("the hunks do not lead to the new text\nold:\n%s\nnew:\n%s\ngot:\n%s", a, b, got)
	}
	if diff := cmp.Diff(gitDiff(t, dir, a, b), linediff.Patch(from, to)); diff != "" {
		t.Fatalf("not what git says (-git +linediff):\n%s\nold:\n%s\nnew:\n%s", diff, a, b)
	}
}

func TestPatchIsWhatGitSays(t *testing.T) {
	list := func(names ...string) string {
		var b strings.Builder
		b.WriteString("apiVersion: v1\nspec:\n  items:\n")
		for _, n := range names {
			fmt.Fprintf(&b, "  - enabled: true\n    name: %s\n    ports:\n    - port: 80\n      protocol: TCP\n", n)
		}
		return b.String()
	}

	for name, texts := range map[string][2]string{
		"equal":           {"a\n", "a\n"},
		"empty":           {"", ""},
		"added":           {"", "a\nb\n"},
		"removed":         {"a\nb\n", ""},
		"no line break":   {"a\nb", "a\nc"},
		"break added":     {"a\nb", "a\nb\n"},
		"nothing shared":  {"a\nb\nc\n", "x\ny\n"},
		"element added":   {list("a", "b"), list("a", "new", "b")},
		"element at end":  {list("a", "b"), list("a", "b", "c")},
		"element removed": {list("a", "b", "c"), list("a", "c")},
		"reordered":       {list("a", "b", "c", "d"), list("d", "c", "b", "a")},
		"blank lines":     {"a\n\nb\n\nc\n", "a\n\nb\n\nb\n\nc\n"},
		"tabs":            {"a:\n\tb\n\tc\n", "a:\n\tb\n\tb\n\tc\n"},
		"heading": {
			"kind: X\nspec:\n" + strings.Repeat("  a: 1\n", 9) + "  b: 1\n",
			"kind: X\nspec:\n" + strings.Repeat("  a: 1\n", 9) + "  b: 2\n",
		},
	} {
		t.Run(name, func(t *testing.T) { compareWithGit(t, t.TempDir(), texts[0], texts[1]) })
	}
}

// Texts of few different lines have many equally short answers; texts like
// manifests have lists of alike elements. Both must come out as git's.
func TestRandomTextsAreWhatGitSays(t *testing.T) {
	dir := t.TempDir()
	seeds := uint64(300)
	if testing.Short() {
		seeds = 50
	}

	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 7))
		alphabet := 2 + r.IntN(30)
		line := func() string {
			return strings.Repeat("  ", r.IntN(4)) + []string{"", "- ", "\t"}[r.IntN(3)] + fmt.Sprintf("k%d: v", r.IntN(alphabet))
		}

		var a []string
		for range r.IntN(120) {
			if r.IntN(15) == 0 {
				a = append(a, "")
			}
			a = append(a, line())
		}

		b := append([]string(nil), a...)
		for range 1 + r.IntN(12) {
			at := r.IntN(len(b) + 1)
			switch r.IntN(4) {
			case 0:
				b = append(b[:at:at], append([]string{line()}, b[at:]...)...)
			case 1:
				b = append(b[:at:at], b[min(len(b), at+1+r.IntN(4)):]...)
			case 2: // a copy of a piece, as when an element is added
				end := min(len(b), at+r.IntN(8))
				b = append(b[:end:end], append(append([]string(nil), b[at:end]...), b[end:]...)...)
			default:
				if at < len(b) {
					b[at] = line()
				}
			}
		}

		join := func(lines []string) string {
			if len(lines) == 0 {
				return ""
			}
			return strings.Join(lines, "\n") + "\n"
		}

		t.Logf("seed %d", seed)
		compareWithGit(t, dir, join(a), join(b))
	}
}

// Two long texts with nothing in common end in good time, and still rightly.
func TestLongTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func() [][]byte {
		var b strings.Builder
		for range 30_000 {
			fmt.Fprintf(&b, "line %d\n", r.IntN(5000))
		}
		return linediff.Lines([]byte(b.String()))
	}
	a, b := text(), text()
	if got := apply(a, b); got != string(bytes.Join(b, nil)) {
		t.Fatal("the hunks do not lead to the new text")
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd\n")
	f.Add("", "x")
	f.Add("a\na\na\nb\n", "a\nb\na\nb\n")
	f.Add("  x: 1\n\n  y: 2\n", "  x: 1\n\n  x: 1\n\n  y: 2")
	f.Fuzz(func(t *testing.T, a, b string) {
		from, to := linediff.Lines([]byte(a)), linediff.Lines([]byte(b))
		if got := apply(from, to); got != b {
			t.Errorf("from %q to %q the hunks lead to %q", a, b, got)
		}
		if equal, hunks := a == b, linediff.Compare(from, to); equal != (len(hunks) == 0) {
			t.Errorf("%q and %q have the hunks %v", a, b, hunks)
		}
	})
}
