package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func getenv(name string) string {
	return map[string]string{"PATH": os.Getenv("PATH"), "KC_DB": "postgres", "TOKEN": "canary-token"}[name]
}

// open opens the adapter of a configuration. DIR stands for a new directory that
// the given files are in.
func open(t *testing.T, text string, files map[string]string) (*Adapter, string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if err := os.Mkdir(filepath.Join(dir, "work"), 0o700); err != nil {
		t.Fatal(err)
	}
	config, err := ParseConfig([]byte(strings.ReplaceAll("workDir: DIR/work\n"+text, "DIR", dir)), getenv)
	if err != nil {
		t.Fatal(err)
	}

	a, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(filepath.Join(dir, "work")); err != nil || len(left) > 0 {
			t.Errorf("files were left behind: %v, %v", left, err)
		}
	})
	return a, dir
}

func export(t *testing.T, a *Adapter, dataset string) (string, error) {
	t.Helper()
	s, err := a.Snapshot(t.Context())
	if err != nil {
		return "", err
	}
	payload, err := s.(contract.OpaqueSnapshot).Payload(t.Context(), dataset)
	var b strings.Builder
	if err == nil {
		buffer := make([]byte, 64<<10)
		for n := 0; err == nil; b.Write(buffer[:n]) {
			n, err = payload.Read(buffer)
		}
		payload.Close()
		err = nil
	}
	return b.String(), errors.Join(err, s.Close())
}

// load imports payloads as "dataset", "bytes" pairs.
func load(ctx context.Context, t *testing.T, a *Adapter, pairs ...string) error {
	t.Helper()
	tx, err := a.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}

	for pair := range slices.Chunk(pairs, 2) {
		if err = tx.(contract.OpaqueTransaction).ReplacePayload(ctx, pair[0], "1.0", strings.NewReader(pair[1])); err != nil {
			break
		}
	}

	if err == nil {
		err = tx.Commit(context.WithoutCancel(ctx))
	}
	if err != nil {
		if rolled := tx.Rollback(context.WithoutCancel(ctx)); rolled != nil {
			t.Error(rolled)
		}
	}
	return err
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const rowsConfig = `
app: people
versionCommand: {argv: [printf, '4.2\nbuilt today\n']}
ready: {argv: [test, -e, DIR/people]}
quiesce: {argv: [test, '!', -e, DIR/busy]}
release: {argv: [test, -d, DIR]}
rollback: restore-previous
datasets:
  - {name: teams, schema: "1.0", key: [id], sensitive: false, export: {argv: [cat, DIR/teams]}, import: {shell: 'cat > DIR/teams.new && mv DIR/teams.new DIR/teams'}}
  - name: people
    schema: "1.0"
    key: [name]
    export: {argv: [cat, DIR/people]}
    check: {shell: '! grep -q impossible'}
    import: {argv: [cp, '{payload}', DIR/people]}
`

// TestContractKit: commands that print rows are an application like any other.
func TestContractKit(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		a, _ := open(t, rowsConfig, map[string]string{
			"teams": `{"id": 1}` + "\n" + `{"id": 20}`, "people": `{"team": 20, "name": "Ada"}` + "\n\n" + `{"name":"Bo","team":1}` + "\n",
		})
		if a.Version() != "4.2" {
			t.Errorf("the version is %q", a.Version())
		}
		return a, contract.Options{ID: "people", Version: a.Version(), Datasets: a.Datasets()}, nil
	})})
}

// TestExamples plays every example against a stand-in for its program: export twice,
// change, import, export.
func TestExamples(t *testing.T) {
	for name, test := range map[string]struct {
		dataset, state, before, after string
	}{
		"argocd":   {"settings", "argocd", "b main\na dev\n", "c prod\n"},
		"keycloak": {"realm", "keycloak", `{"realm":"main"}`, `{"realm":"main","users":[]}`},
		"vault":    {"raft", "vault", "\x1f\x8b\x00", "\x1f\x8b\x01"},
		"grafana":  {"database", "grafana.db", "CREATE TABLE a;\n", "CREATE TABLE b;\n"},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := os.ReadFile("examples/" + name + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			stage := t.TempDir()
			bin := filepath.Join(stage, "bin")
			if err := os.CopyFS(bin, os.DirFS("testdata/standins")); err != nil {
				t.Fatal(err)
			}

			state := filepath.Join(stage, test.state)
			if err := os.WriteFile(state, []byte(test.before), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			a, _ := open(t, strings.ReplaceAll(string(config), "dir: /var/lib/grafana", "dir: "+stage), nil)
			if _, err := contract.NewServer(a, contract.Options{ID: a.config.App, Version: a.Version(), Datasets: a.Datasets()}); err != nil {
				t.Fatal(err)
			}
			if err := a.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}

			first, err := export(t, a, test.dataset)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := export(t, a, test.dataset); err != nil || again != first || first == "" {
				t.Errorf("a second export gives %q, %v; the first gave %q", again, err, first)
			}
			if err := os.WriteFile(state, []byte(test.after), 0o600); err != nil {
				t.Fatal(err)
			}

			if err := load(t.Context(), t, a, test.dataset, first); err != nil {
				t.Fatal(err)
			}
			if after, err := export(t, a, test.dataset); err != nil || after != first {
				t.Errorf("after the import an export gives %q, %v; want %q", after, err, first)
			}
			if a.config.datasets[0].check == nil {
				return
			}
			held := read(t, state)
			if err := load(t.Context(), t, a, test.dataset,
				first+"refused\n"+"  name: x\nspec: refused\n"); contract.ReasonOf(err) != contract.ReasonPayloadInvalid || read(t, state) != held {
				t.Errorf("a payload that the check refuses: %v, state %q", err, read(t, state))
			}
		})
	}
}

const threeConfig = `
app: three
version: "1"
consistency: each
rollback: ROLLBACK
datasets:
  - {name: a, schema: "1.0", mediaType: text/plain, sensitive: false, export: {argv: [cat, DIR/a]}, import: {argv: [cp, '{payload}', DIR/a]}}
  - {name: b, schema: "1.0", mediaType: text/plain, sensitive: SENSITIVE, export: {argv: [cat, DIR/b]}, import: {shell: 'cat > DIR/b; if grep -q bad DIR/b; then cat DIR/b >&2; exit 3; fi'}}
  - {name: c, schema: "1.0", mediaType: text/plain, export: {argv: [cat, DIR/c]}, import: {argv: [cp, '{payload}', DIR/c]}}
`

// TestALaterCommandFails: the error says what each dataset holds, and it is true.
func TestALaterCommandFails(t *testing.T) {
	for name, test := range map[string]struct {
		replace []string
		a, b    string
		want    []string
		not     string
	}{
		"put back": {
			[]string{"ROLLBACK", "restore-previous", "SENSITIVE", "false"},
			"a1", "b1",
			[]string{"failed with exit status 3: bad b2", "a holds again what it held before, b holds again what it held before, c was not touched"},
			"unknown",
		},
		"left": {
			[]string{"ROLLBACK", "none", "SENSITIVE", "false"},
			"a2", "bad b2",
			[]string{"a holds what was imported, b is in an unknown state, c was not touched"},
			"again",
		},
		"sensitive": {[]string{"ROLLBACK", "none", "SENSITIVE", "true"}, "a2", "bad b2", []string{"withheld"}, "b2"},
	} {
		t.Run(name, func(t *testing.T) {
			a, dir := open(t, strings.NewReplacer(test.replace...).Replace(threeConfig), map[string]string{"a": "a1", "b": "b1", "c": "c1"})
			err := load(t.Context(), t, a, "a", "a2", "b", "bad b2", "c", "c2")
			if contract.ReasonOf(err) != contract.ReasonAppFailed {
				t.Fatal(err)
			}

			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}

			if strings.Contains(err.Error(), test.not) {
				t.Errorf("the error says %q: %v", test.not, err)
			}
			if got := read(t, filepath.Join(dir, "a")) + ", " + read(t, filepath.Join(dir, "b")) + ", " +
				read(t, filepath.Join(dir, "c")); got != test.a+", "+test.b+", c1" {
				t.Errorf("the datasets hold %s", got)
			}
		})
	}
}

// TestNotPutBack: when going back fails too, the error says that as well.
func TestNotPutBack(t *testing.T) {
	a, _ := open(t, `
app: one
version: "1"
rollback: restore-previous
datasets:
  - {name: a, schema: "1.0", mediaType: text/plain, sensitive: false, export: {argv: [cat, DIR/a]}, import: {argv: ['false']}}
`, map[string]string{"a": "a1"})
	if err := load(t.Context(), t, a, "a", "a2"); err == nil ||
		!strings.Contains(err.Error(), "a could not be put back (false failed with exit status 1) and is in an unknown state") {
		t.Error(err)
	}
}

func one(export string) string {
	return fmt.Sprintf("app: one\nversion: '1'\nrollback: none\ndatasets:\n- {name: a, schema: '1.0', mediaType: text/plain, sensitive: false, import: {argv: ['true']}, export: %s}\n", export)
}

func TestExportCommands(t *testing.T) {
	for name, test := range map[string]struct{ export, want, err string }{
		"no shell":           {`{argv: [echo, '$HOME; ls', '{dataset}', '{schema}']}`, "$HOME; ls a 1.0\n", ""},
		"environment":        {`{shell: 'env | grep -v -e ^PATH= -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort', env: [TOKEN], set: {MODE: full}}`, "APPBUR_DATASET=a\nAPPBUR_SCHEMA=1.0\nMODE=full\nTOKEN=canary-token\n", ""},
		"directory":          {`{argv: [pwd], dir: /}`, "/\n", ""},
		"file by variable":   {`{shell: 'echo x > "$APPBUR_PAYLOAD"'}`, "x\n", ""},
		"no file":            {`{argv: ['true', '{payload}']}`, "", "wrote no file"},
		"half an export":     {`{shell: 'echo half; exit 1'}`, "", "sh failed with exit status 1"},
		"no such program":    {`{argv: [appbur-no-such-program]}`, "", "there is no such program"},
		"killed":             {`{shell: 'kill -9 $$'}`, "", "signal: killed"},
		"too slow":           {`{argv: [sleep, '60'], timeout: 50ms}`, "", "it did not end within 50ms"},
		"much on stderr":     {`{shell: 'seq 100000 >&2; exit 1'}`, "", "100000"},
		"control characters": {`{shell: 'printf "a\033[31mb\nc" >&2; exit 1'}`, "", "exit status 1: a | [31mb | c"},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := open(t, one(test.export), nil)
			got, err := export(t, a, "a")
			if got != test.want || (err == nil) != (test.err == "") {
				t.Errorf("got %q, %v", got, err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.err) || len(err.Error()) > 2*longestTail) {
				t.Errorf("%d bytes: %.300v", len(err.Error()), err)
			}
		})
	}
}

// TestCancelEndsTheGroup: what a command started ends with it.
func TestCancelEndsTheGroup(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	a, dir := open(t, one(`{shell: 'trap "" TERM; sleep 300 & echo $! > DIR/pid.new; mv DIR/pid.new DIR/pid; wait'}`), nil)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := a.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := s.(contract.OpaqueSnapshot).Payload(ctx, "a")
		failed <- err
	}()
	eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "pid")); return err == nil })
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, filepath.Join(dir, "pid"))))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || strings.Contains(string(stat), ") Z ")
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass within 20 seconds")
		}
	}
}

func TestQuiesce(t *testing.T) {
	a, dir := open(t, rowsConfig, map[string]string{"teams": "", "people": "", "busy": ""})
	if _, err := a.Snapshot(t.Context()); contract.ReasonOf(err) != contract.ReasonNotQuiesced {
		t.Errorf("a busy application: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "people")); err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "test failed with exit status 1") {
		t.Error(err)
	}
}

func TestStabilize(t *testing.T) {
	for name, test := range map[string]struct {
		in, want string
		by       order
	}{
		"lines stripped": {"# at noon\na\n# x\nb", "a\nb", asPrinted},
		"lines sorted":   {"b\n# at noon\na", "a\nb\n", sortLines},
		"documents sorted": {
			"---\nb: 1\n---\n# x\na: 1\nc: |\n  ---\n--- \n\n---\nb: 0", "a: 1\nc: |\n  ---\n---\nb: 0\n---\nb: 1\n",
			sortYAML,
		},
		"nothing":               {"", "", sortYAML},
		"a comment after a tab": {"\t# x\n", "\t# x\n", asPrinted},
	} {
		t.Run(name, func(t *testing.T) {
			a, dir := open(t, strings.TrimSuffix(one("{argv: [cat, DIR/in]}"), "}\n")+fmt.Sprintf(", strip: ['^#'], sort: %q}\n", test.by),
				map[string]string{"in": test.in})
			for range 2 {
				got, err := export(t, a, "a")
				if err != nil || got != test.want {
					t.Errorf("%q, %v, want %q", got, err, test.want)
				}
				// What is stable stays as it is.
				if err := os.WriteFile(filepath.Join(dir, "in"), []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for want, text := range map[string]string{
		"the file is empty":                  "",
		"there is no setting colour":         "colour: red",
		"one of version and versionCommand":  "app: a",
		"quiesce and release go together":    "app: a\nversion: '1'\nquiesce: {argv: [x]}",
		`rollback: "" is neither`:            "app: a\nversion: '1'",
		"at least one dataset":               "app: a\nversion: '1'\nrollback: none",
		"export and import are needed":       "app: a\nversion: '1'\nrollback: none\ndatasets: [{name: a}]",
		"one of key and mediaType is needed": "app: a\nversion: '1'\nrollback: none\ndatasets: [{name: a, export: {argv: [x]}, import: {argv: [x]}}]",
		"which is not one moment":            "app: a\nversion: '1'\nrollback: none\ndatasets: [{name: a, key: [a], export: {argv: [x]}, import: {argv: [x]}}, {name: b, key: [a], export: {argv: [x]}, import: {argv: [x]}}]",
		"one of argv and shell":              one("{argv: [x], shell: x}"),
		"the first of argv is empty":         one("{argv: ['']}"),
		`timeout: "soon" is not`:             one("{argv: [x], timeout: soon}"),
		"values go under set":                one("{argv: [x], env: ['A=b']}"),
		`set: "a b" is no name`:              one("{argv: [x], set: {a b: c}}"),
		"strip: \"(\" is no regular expression: missing closing )": strings.Replace(one("{argv: [x]}"), "sensitive", "strip: ['('], sensitive",
			1),
		`sort: "rows" is neither`:                  strings.Replace(one("{argv: [x]}"), "sensitive", "sort: rows, sensitive", 1),
		"sort is for opaque datasets":              "app: a\nversion: '1'\nrollback: none\ndatasets: [{name: a, key: [a], sort: lines, export: {argv: [x]}, import: {argv: [x]}}]",
		`consistency: "all" is not each`:           "consistency: all\n" + one("{argv: [x]}"),
		"versionCommand: one of argv and shell is": "app: a\nversionCommand: {}",
	} {
		if _, err := ParseConfig([]byte(text), getenv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		} else if appbur.HintOf(err) == "" {
			t.Errorf("%v has no hint", err)
		}
	}

	config, err := ParseConfig([]byte("app: a\nversionCommand: {shell: 'echo broken >&2; exit 7'}\nrollback: none\ndatasets: [{name: a, key: [a], export: {argv: [x]}, import: {argv: [x]}}]"), getenv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), "sh failed with exit status 7: broken") ||
		appbur.HintOf(err) == "" {
		t.Error(err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(rowsConfig))
	f.Add([]byte(one("{argv: [x], timeout: 1s}")))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text, getenv)
		if err != nil {
			return
		}
		for _, d := range c.datasets {
			if len(d.export.argv) == 0 || len(d.load.argv) == 0 || d.export.timeout <= 0 || d.opaque() == (len(d.Key) > 0) {
				t.Errorf("%q was accepted", text)
			}
		}
	})
}
