package appbur_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// speakers are the rooms that may name flags.
var speakers = []string{
	"internal/cli",            // the command line of appbur
	"adapters/internal/serve", // the command line of every adapter
	"internal/testcluster",    // starts servers for tests
	"internal/testremote",     // starts servers for tests
	"internal/testnode",       // starts servers for tests
}

// Libraries say what is wrong, by types and facts; which flag or command is the cure is
// said by who has them (internal/cli/hints.go), for a library has other callers too.
func TestTextsOfLibrariesNameNoFlag(t *testing.T) {
	words := commandLine(t)
	for _, room := range []string{"pkg", "internal", "adapters"} {
		for _, text := range words.below(t, room, speakers) {
			t.Errorf("%s\nreturn a typed error, and give the sentence in internal/cli/hints.go", text)
		}
	}
}

// vocabulary is what belongs to the command lines of appbur and the adapters.
type vocabulary struct{ flags, commands *regexp.Regexp }

// commandLine reads the flags and commands from the reference, which is generated, and
// the adapters' flags from where they are declared.
func commandLine(t *testing.T) vocabulary {
	t.Helper()
	flags, commands := map[string]bool{}, map[string]bool{}
	pages, err := filepath.Glob("docs/cli/appbur_*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		command, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(page), "appbur_"), ".md"), "_")
		commands[command] = true
		collect(t, page, regexp.MustCompile(`(?m)^ +(?:-[a-zA-Z], )?--([a-z][a-z-]+)`), flags)
	}
	collect(t, "adapters/internal/serve/serve.go", regexp.MustCompile(`set\.\w+Var\(&[\w.]+, "([a-z][a-z-]+)"`), flags)

	if len(commands) < 20 || !flags["force-conflicts"] || !flags["client-ca"] {
		t.Fatalf("the command line was not found: %d commands, %d flags", len(commands), len(flags))
	}
	return vocabulary{
		// A single dash is a flag only between words, as in "say which with -n".
		flags:    regexp.MustCompile(`(?:^|[^\w-])--(?:` + alternatives(flags) + `)(?:[^\w-]|$)|\w -[a-zA-Z](?:[ :,]|$)`),
		commands: regexp.MustCompile(`\bappbur (?:` + alternatives(commands) + `)\b`),
	}
}

func collect(t *testing.T, file string, pattern *regexp.Regexp, into map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range pattern.FindAllSubmatch(text, -1) {
		into[string(match[1])] = true
	}
}

func alternatives(words map[string]bool) string {
	var list []string
	for word := range words {
		list = append(list, regexp.QuoteMeta(word))
	}
	slices.Sort(list)
	return strings.Join(list, "|")
}

// below returns the texts of a room, but for some rooms in it, that name a flag or a command.
func (v vocabulary) below(t *testing.T, room string, except []string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || slices.Contains(except, path)):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		more, err := v.in(path)
		found = append(found, more...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// otherPrograms are command lines that are not ours: a text may name those.
var otherPrograms = regexp.MustCompile("(?:helm|git|grep|sops|kubectl|openssl|ssh-keygen|age-keygen|mariadb|psql) [^`\";,)]*")

// in returns the texts of a file that name a flag or a command. Texts without a space are
// arguments of programs that are started.
func (v vocabulary) in(path string) ([]string, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}

	var found []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING || !strings.Contains(strings.TrimSpace(literal.Value), " ") {
			return true
		}
		text := otherPrograms.ReplaceAllString(strings.Trim(literal.Value, "\"`"), "")
		if v.flags.MatchString(text) || v.commands.MatchString(text) {
			found = append(found, files.Position(literal.Pos()).String()+": "+literal.Value)
		}
		return true
	})
	return found, nil
}
