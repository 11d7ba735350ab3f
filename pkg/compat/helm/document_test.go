package helm

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string][]string{
		"":                              nil,
		"---\n":                         nil,
		"\n# c\n---\n  # c\n---\n\t\n":  nil,
		"%YAML 1.1\n---\na: b\n":        {"a: b\n"},
		"a: b":                          {"a: b"},
		"a: b\n---\nc: d\n":             {"a: b\n", "c: d\n"},
		"a: b\r\n---\r\nc: d\r\n":       {"a: b\r\n", "c: d\r\n"},
		"---\n---\na: b\n---\n---":      {"a: b\n"},
		"--- # c\na: b\n---\t#c\nc: d":  {"a: b\n", "c: d"},
		"--- {a: b}\n--- {c: d}\n":      {"--- {a: b}\n", "--- {c: d}\n"},
		"a: b\n...\n# c\n---\nc: d":     {"a: b\n", "c: d"},
		"a: b\n... # c\nc: d":           {"a: b\n", "c: d"},
		"a: |\n  ---\n  ...\nc: d\n":    {"a: |\n  ---\n  ...\nc: d\n"},
		"---x\n":                        {"---x\n"},
		"-----BEGIN X-----\n":           {"-----BEGIN X-----\n"},
		"# Source: c/x.yaml\na: b\n---": {"# Source: c/x.yaml\na: b\n"},
	} {
		if diff := cmp.Diff(want, slices.Collect(documents(stream))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", stream, diff)
		}
	}
}

// What Helm writes, one template after the other, comes apart again.
func TestDocumentsUndoWhatHelmJoins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(rapid.StringMatching(`[a-z]: ["a-z.-]{1,8}\n( {2}[a-z#-]{0,8}\n){0,3}`)).Draw(t, "texts")
		var stream strings.Builder
		for _, text := range texts {
			stream.WriteString("---\n# Source: c/templates/x.yaml\n" + text)
		}
		var got []string
		for text := range documents(stream.String()) {
			got = append(got, strings.TrimPrefix(text, "# Source: c/templates/x.yaml\n"))
		}
		if !slices.Equal(texts, got) {
			t.Errorf("joined %q, split %q", texts, got)
		}
	})
}

func TestAliasesAreFollowedWithinBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"none":                {"a: [b]", nil},
		"the characters only": {`a: "x && *"`, nil},
		"few":                 {"a: &a {b: c}\nd: *a\n", nil},
		"a cycle":             {"a: &a [*a]\n", errAliases},
		"a long text often":   {"a: &a " + long + "\nb: [" + strings.Repeat("*a,", 40) + "]\n", errAliases},
		"a long key often":    {"a: &a {? " + long[:1<<10] + " : 1}\nb: [" + strings.Repeat("*a,", 1<<15) + "]\n", errAliases},
		"doublings":           {doublings(60), errAliases},
		"no YAML":             {"a: *b\nc: & d", errSyntax},
	} {
		if err := boundAliases(test.text); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func doublings(levels int) string {
	var b strings.Builder
	b.WriteString("- &a0 x\n")
	for i := range levels {
		name := func(n int) string { return "a" + strings.Repeat("i", n) }
		if i == 0 {
			b.WriteString("- &a [x, x]\n")
			continue
		}
		b.WriteString("- &" + name(i) + " [*" + name(i-1) + ", *" + name(i-1) + "]\n")
	}
	return b.String()
}
