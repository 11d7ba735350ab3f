package cli

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// insides are words of the language and its libraries, which tell a user nothing.
var insides = regexp.MustCompile(`strconv\.|parsing "|invalid argument "|invalid syntax|out of range|time: |unknown unit|missing unit|error parsing regexp|` +
	`cannot unmarshal|[^-]json: |yaml: unmarshal|!!(str|map|seq|int)|into Go|map\[string|interface \{\}|\b[a-z]+\.[A-Z][A-Za-z]*(Error|Spec|Config|Options)\b|` +
	`%!|<nil>|nil pointer|runtime error|context canceled|context deadline`)

// badValues are for every flag of a type, by the type. Those of text are odd, and some
// of them are right for some flags.
var badValues = map[string][]string{
	"bool":        {"maybe", "", "2", "TRUE!"},
	"int":         {"many", "", "1.5", "99999999999999999999", "0x", "--"},
	"duration":    {"soon", "", "5", "1y", "99999999999h", "5 m"},
	"string":      textValues,
	"stringArray": textValues, // of each occurrence
}

// textValues name no place outside of the test's own: some flags are where to write to.
var textValues = []string{
	"", "nonsense", "\x00", "a\nb", ".", "-", "=", ":", "[", "%zz", "-1", "/proc/self/none", "/dev/null",
	"/dev/null/x", strings.Repeat("long", 2000),
}

// bench is a place in which every command can be run: a repository, its keys, and no
// cluster.
type bench struct {
	*testing.T
	dir, repo, keys string
}

func newBench(t *testing.T) *bench {
	dir := t.TempDir()
	b := &bench{T: t, dir: dir, repo: filepath.Join(dir, "mgmt.git"), keys: filepath.Join(dir, "keys")}
	t.Setenv("HOME", dir) // of the libraries that read it by themselves
	t.Setenv("KUBECONFIG", filepath.Join(dir, "no-kubeconfig"))
	t.Chdir(dir) // for values that are names of files
	AuditStory(t, dir)
	writeFile(t, filepath.Join(dir, "fleet.yaml"),
		"apiVersion: appbur.io/v1alpha1\nkind: Fleet\nclusters: [{name: a, repository: mgmt.git}]\n")
	if code, _, errs := b.run(nil, "trust", "set", "--repo", b.repo, "--keys", b.keys, "--yes"); code != ExitDone {
		t.Fatal(errs)
	}
	return b
}

func (b *bench) run(environment map[string]string, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	e := &env{
		Streams: &Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr},
		now:     time.Now, rand: rand.Reader,
		getenv: func(name string) string {
			if value, ok := environment[name]; ok {
				return value
			}
			return map[string]string{"HOME": b.dir, "XDG_CONFIG_HOME": filepath.Join(b.dir, "config"), "EDITOR": "false"}[name]
		},
	}
	code = Run(b.Context(), e, args)
	return code, stdout.String(), stderr.String()
}

// tree is every command that does something.
func tree(command *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	if command.Runnable() && command.Name() != "help" {
		all = append(all, command)
	}
	for _, child := range command.Commands() {
		all = append(all, tree(child)...)
	}
	return all
}

// places are what stands for the arguments that the usage of commands names.
var places = map[string]string{
	"POINT": "latest", "POINT...": "latest", "POINT|PATH|-": "latest",
	"REVISION": "main", "FROM": "main~1", "TO": "main", "KIND/NAME": "Secret/team-a/db",
	"KEY": "guards.share", "VALUE": "0.5", "APPLICATION": "team/app", "NAME": "vault", "URL": "file:///nowhere", "DIR": "copy",
	"ADDRESS": "unix:///nowhere", "OLD": "old.schema", "NEW": "new.schema", "REPO": "new.git",
	"DRILL": "latest", "FILE...": "appbur.yaml", "FILE": "fleet.yaml",
}

// line is a command line of the command that has all it needs.
func (b *bench) line(command *cobra.Command) []string {
	args := []string{}
	for _, word := range strings.Fields(command.Use)[1:] {
		if strings.HasPrefix(word, "[") || strings.HasPrefix(word, "-") {
			break
		}
		value, known := places[word]
		if !known {
			b.Fatalf("%s: what is %s?", command.CommandPath(), word)
		}
		args = append(args, value)
	}

	line := append(strings.Fields(command.CommandPath())[1:], args...)
	if command.Flags().Lookup("repo") != nil {
		line = append(line, "--repo", b.repo)
	}
	if command.Flags().Lookup("keys") != nil {
		line = append(line, "--keys", b.keys)
	}
	return line
}

// plainly checks what a user reads of an error: nothing of the inside of the program,
// and what to do.
func plainly(t *testing.T, line []string, code int, errs string) {
	t.Helper()
	shown := fmt.Sprintf("%.300q", line)
	if said := insides.FindString(errs); said != "" {
		t.Errorf("%s: speaks of %q:\n%.600s", shown, said, errs)
	}
	if failed := code != ExitDone && code != ExitPartly && code != ExitDifferent; failed && !strings.Contains(errs, "appbur: hint: ") {
		t.Errorf("%s: exit code %d without a hint:\n%.600s", shown, code, errs)
	}
}

// No value of any flag of any command is answered in words of the language, or without
// saying what to do. Where the type of a flag says what is wrong, the flag is named, and
// so is what it takes.
func TestBadValuesOfEveryFlag(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	b := newBench(t)
	commands, flags := 0, 0

	for _, command := range tree(newRoot(&env{Streams: &Streams{}, getenv: func(string) string { return "" }})) {
		commands++
		line := b.line(command)
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if flag.Name == "help" || flag.Name == "version" {
				return
			}
			flags++
			values, known := badValues[flag.Value.Type()]
			if !known {
				t.Errorf("%s --%s: no values are known that are bad for the type %s", command.CommandPath(), flag.Name, flag.Value.Type())
			}
			for _, value := range values {
				line := append(append([]string{}, line...), "--"+flag.Name+"="+value)
				code, _, errs := b.run(nil, line...)
				plainly(t, line, code, errs)
				if strings.HasPrefix(flag.Value.Type(), "string") {
					continue
				}
				_, hint, _ := strings.Cut(errs, "hint: ")
				if code != ExitUsage || !strings.Contains(errs, "--"+flag.Name) || !strings.Contains(hint, "--"+flag.Name) {
					t.Errorf("%q: exit code %d, and the flag is not named in both:\n%s", line, code, errs)
				}
			}
		})
	}

	if commands < 30 || flags < 150 {
		t.Errorf("only %d commands with %d flags were looked at", commands, flags)
	}
}

// The same holds for what is no flag.
func TestBadArguments(t *testing.T) {
	b := newBench(t)
	for _, command := range tree(newRoot(&env{Streams: &Streams{}, getenv: func(string) string { return "" }})) {
		line := b.line(command)
		depth := len(strings.Fields(command.CommandPath())) - 1
		for at := depth; at < len(line) && !strings.HasPrefix(line[at], "--"); at++ {
			for _, value := range textValues {
				bad := append([]string{}, line...)
				bad[at] = value
				code, _, errs := b.run(nil, bad...)
				plainly(t, bad, code, errs)
			}
		}
	}
}

// And for the environment.
func TestBadEnvironment(t *testing.T) {
	b := newBench(t)
	for name, line := range map[string][]string{
		envRepository:     {"points", "list"},
		envKeys:           {"points", "list", "--repo", b.repo},
		envIdentity:       {"plan", "latest", "--repo", b.repo, "--keys", b.keys},
		envAnchor:         {"points", "show", "latest", "--repo", b.repo, "--keys", b.keys},
		"HOME":            {"init", "other.git"},
		"XDG_CONFIG_HOME": {"init", "other.git"},
		"EDITOR":          {"config", "edit", "--repo", b.repo, "--keys", b.keys},
	} {
		for _, value := range textValues {
			code, _, errs := b.run(map[string]string{name: value}, line...)
			plainly(t, append([]string{name + "=" + value}, line...), code, errs)
		}
	}

	for _, value := range textValues {
		if strings.Contains(value, "\x00") {
			continue // no process can have such a variable
		}
		t.Setenv("KUBECONFIG", value)
		code, _, errs := b.run(nil, "explain", "ConfigMap/a")
		plainly(t, []string{"KUBECONFIG=" + value}, code, errs)
	}
}

// And for the settings of a repository, which are typed as well.
func TestBadSettings(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	b := newBench(t)
	for _, key := range []string{
		"format", "repository", "cluster", "cluster.id", "rulesVersion", "recipients", "rules", "rules.objects", "guards", "guards.share",
		"guards.kindFloor",
		"retention", "retention.last", "retention.zone", "applications", "applications.retired", "nonsense", "a.b.c", "", ".", "\x00",
	} {
		yaml := []string{
			"[a]", "{a: b}", "[[]]", "many", "1.5", "99999999999999999999", "true", "2026-01-01", "!!binary x", "&a [*a]", "*a",
			"a: b: c",
		}
		for _, value := range append(yaml, textValues...) {
			line := []string{"config", "set", key, value, "--repo", b.repo, "--keys", b.keys}
			code, _, errs := b.run(nil, line...)
			plainly(t, line, code, errs)
		}
	}
}
