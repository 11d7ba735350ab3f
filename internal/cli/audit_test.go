package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// auditor asks questions about one repository, by this command line and by stock git.
type auditor struct {
	testing.TB
	dir string
}

func newAuditor(t testing.TB) auditor {
	t.Helper()
	a := auditor{t, t.TempDir()}
	AuditStory(t, a.dir)
	return a
}

// run is one command line at noon of 21 November 2026.
func (a auditor) run(terminal bool, args ...string) (out, errs string, code int) {
	a.Helper()
	e, o, s := testEnv(terminal)
	settings := map[string]string{envRepository: filepath.Join(a.dir, "mgmt.git"), envKeys: filepath.Join(a.dir, "keys")}
	e.getenv = func(key string) string { return settings[key] }
	code = Run(a.Context(), e, args)
	return o.String(), s.String(), code
}

// ask is run for a command that must end with a code.
func (a auditor) ask(want int, args ...string) string {
	a.Helper()
	out, errs, code := a.run(false, args...)
	if code != want {
		a.Fatalf("appbur %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
	return out
}

func (a auditor) git(args ...string) string {
	a.Helper()
	command := exec.Command("git", append([]string{"-C", filepath.Join(a.dir, "mgmt.git")}, args...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "TZ=UTC")
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		a.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// columnOf returns one column of a piped table, without its header.
func columnOf(text string, n int) string {
	_, rows, _ := strings.Cut(text, "\n")
	var b strings.Builder
	for line := range strings.Lines(rows) {
		b.WriteString(strings.Split(strings.TrimSuffix(line, "\n"), "\t")[n] + "\n")
	}
	return b.String()
}

func TestLogIsGitLog(t *testing.T) {
	a := newAuditor(t)
	for _, test := range []struct {
		args, paths []string
		git         []string
	}{
		{nil, nil, nil},
		{[]string{"deployment/web", "-n", "team-a"}, []string{"namespaces/team-a/deployment.apps/web.yaml"}, nil},
		{
			[]string{"ingress/web"},
			[]string{"namespaces/team-a/ingress.networking.k8s.io/web.yaml", "namespaces/team-a/ingress.extensions/web.yaml"},
			nil,
		},
		{
			[]string{"ingress.extensions/web"},
			[]string{"namespaces/team-a/ingress.networking.k8s.io/web.yaml", "namespaces/team-a/ingress.extensions/web.yaml"},
			nil,
		},
		{[]string{"cm/settings"}, []string{"namespaces/team-a/configmap/settings.yaml"}, nil},
		{[]string{"secrets/db"}, []string{"namespaces/team-a/secret/db.yaml"}, nil},
		{[]string{"deployments"}, []string{"namespaces/*/deployment.apps/*"}, nil},
		{[]string{"ns/team-b"}, []string{"cluster/namespace/team-b.yaml"}, nil},
		{[]string{"-n", "team-b"}, []string{"namespaces/team-b", "cluster/namespace/team-b.yaml"}, nil},
		{
			[]string{"--since", "2026-11-18", "--until", "2026-11-19T12:00:00Z"},
			nil,
			[]string{"--since=2026-11-18T00:00:00Z", "--until=2026-11-19T12:00:00Z"},
		},
		{[]string{"--since", "2d"}, nil, []string{"--since=2026-11-19T12:00:00Z"}},
		{[]string{"--author", "APPBUR@"}, nil, []string{"--author=appbur@"}},
		{[]string{"--limit", "2"}, nil, []string{"-2"}},
	} {
		git := a.git(append(append(append([]string{"log", "--format=%H"}, test.git...), "main", "--"), test.paths...)...)
		var want strings.Builder
		for hash := range strings.Lines(git) {
			want.WriteString(hash[:12] + "\n")
		}
		if diff := cmp.Diff(want.String(), columnOf(a.ask(ExitDone, append([]string{"log"}, test.args...)...), 0)); diff != "" ||
			want.Len() == 0 {
			t.Errorf("log %v (-git +appbur):\n%s", test.args, diff)
		}
	}
}

func TestShowIsGitShow(t *testing.T) {
	a := newAuditor(t)
	for path := range strings.Lines(a.git("ls-tree", "-r", "--name-only", "main", "namespaces")) {
		path = strings.TrimSpace(path)
		parts := strings.Split(strings.TrimSuffix(path, ".yaml"), "/")
		args := []string{"show", "main", parts[2] + "/" + parts[3], "-n", parts[1], "--raw"}
		if diff := cmp.Diff(a.git("show", "main:"+path), a.ask(ExitDone, args...)); diff != "" {
			t.Errorf("%v (-git +appbur):\n%s", args, diff)
		}
	}
	out := a.ask(ExitDone, "show", "2026-11-18", "deployment/web", "-n", "team-a")
	commit := strings.TrimSpace(a.git("rev-list", "-1", "--before=2026-11-18T00:00:00Z", "main"))
	if diff := cmp.Diff(a.git("show", commit+":namespaces/team-a/deployment.apps/web.yaml"), out); diff != "" {
		t.Errorf("at a time (-git +appbur):\n%s", diff)
	}
}

func TestBlameIsGitBlame(t *testing.T) {
	a := newAuditor(t)
	path := "namespaces/team-a/deployment.apps/web.yaml"
	var want strings.Builder

	header := regexp.MustCompile(`^([0-9a-f]{40}) \d+ (\d+)`)
	for line := range strings.Lines(a.git("blame", "--porcelain", "main", "--", path)) {
		if m := header.FindStringSubmatch(line); m != nil {
			want.WriteString(m[1] + " " + m[2])
		} else if text, ok := strings.CutPrefix(line, "\t"); ok {
			want.WriteString(" " + text)
		}
	}

	var lines []blamedLine
	if err := json.Unmarshal([]byte(a.ask(ExitDone, "blame", "deployment/web", "-n", "team-a", "--json")), &lines); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&got, "%s %d %s\n", l.Commit, l.Line, l.Text)
	}
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		t.Errorf("blame (-git +appbur):\n%s", diff)
	}
}

// What diff -p prints is what git prints, and git apply turns one state into the other.
func TestDiffIsGitDiff(t *testing.T) {
	a := newAuditor(t)
	commits := strings.Fields(a.git("rev-list", "main"))
	for _, pair := range [][2]string{{commits[len(commits)-1], commits[0]}, {commits[2], commits[1]}, {commits[0], commits[3]}} {
		want := a.git("diff", "--full-index", "--no-renames", pair[0], pair[1])
		got := a.ask(ExitDifferent, "diff", pair[0], pair[1], "-p", "--raw")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("diff (-git +appbur):\n%s", diff)
		}
		work := filepath.Join(t.TempDir(), "work")
		a.git("worktree", "add", "--detach", "-q", work, pair[0])
		patch := filepath.Join(t.TempDir(), "patch")
		if err := os.WriteFile(patch, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		a.git("-C", work, "apply", "--index", patch)
		if tree := a.git("-C", work, "write-tree"); tree != a.git("rev-parse", pair[1]+"^{tree}") {
			t.Errorf("the patch leads to the tree %s", tree)
		}
	}

	// The commit of a restore point is no commit of main, and can be shown as well.
	point := strings.TrimSpace(a.git("rev-parse", "restore-points/20261118T090000Z^{commit}"))
	_, lines, _ := strings.Cut(a.ask(ExitDone, "show", point, "-p"), "diff --git ")
	if diff := cmp.Diff(a.git("diff", "--full-index", "--no-renames", point+"~1", point), "diff --git "+lines); diff != "" {
		t.Errorf("a restore point (-git +appbur):\n%s", diff)
	}
	if out := a.ask(ExitDone, "diff", "main", "now"); out != "" {
		t.Errorf("a commit differs from itself: %s", out)
	}
	from := a.git("diff", "--full-index", "--no-renames", "restore-points/20261118T090000Z", "main", "--", "namespaces/team-a/deployment.apps")
	if diff := cmp.Diff(from, a.ask(ExitDifferent, "diff", "latest", "main", "deployment/web", "-n", "team-a", "-p")); diff != "" {
		t.Errorf("from a restore point (-git +appbur):\n%s", diff)
	}
}

// Nothing that these commands print holds a value of a Secret or its ciphertext.
func TestAuditKeepsSecrets(t *testing.T) {
	a := newAuditor(t)
	for _, args := range [][]string{
		{"log", "secret/db", "--fields"},
		{"log", "--json", "--fields"},
		{"show", "main", "secret/db"},
		{"show", "main~1", "-p"},
		{"show", "main~1", "--json"},
		{"diff", "main~6", "main", "-p"},
		{"diff", "main~6", "main", "--json"},
		{"diff", "main~2", "main", "secret/db", "-p"},
		{"blame", "secret/db"},
		{"blame", "secret/db", "--json"},
	} {
		for _, terminal := range []bool{false, true} {
			out, errs, code := a.run(terminal, args...)
			if code != ExitDone && code != ExitDifferent || out == "" {
				t.Fatalf("%v: exit code %d\n%s", args, code, errs)
			}

			for _, secret := range []string{"aHVudGVyMg", "Y29ycmVjdCBob3JzZQ", "ENC[", "AGE ENCRYPTED", "YWRt"} {
				if strings.Contains(out, secret) {
					t.Errorf("%v prints %q:\n%s", args, secret, out)
				}
			}

			if !strings.Contains(out, "db") && args[0] != "blame" && args[0] != "show" {
				t.Errorf("%v does not show that the Secret changed:\n%s", args, out)
			}
		}
	}
}

var (
	longHash  = regexp.MustCompile(`[0-9a-f]{40}`)
	shortHash = regexp.MustCompile(`[0-9a-f]{12}`)
)

// normal replaces hashes, which differ from run to run, by the place of their commit.
func (a auditor) normal(text string) string {
	commits := strings.Fields(a.git("rev-list", "--reverse", "main"))
	name := func(hash string) string {
		for i, c := range commits {
			if strings.HasPrefix(c, hash) {
				return "commit-" + strconv.Itoa(i)
			}
		}
		return "blob"
	}
	text = longHash.ReplaceAllStringFunc(text, name)
	return shortHash.ReplaceAllStringFunc(text, name)
}

// The fields of --json are a promise (docs/json.md), and what people see is looked at
// when it changes.
func TestAuditGolden(t *testing.T) {
	a := newAuditor(t)
	for name, test := range map[string]struct {
		terminal bool
		args     []string
	}{
		"log.json":    {false, []string{"log", "ingress/web", "--json", "--fields", "--show-signature"}},
		"log.txt":     {true, []string{"log"}},
		"fields.txt":  {true, []string{"log", "deployment/web", "-n", "team-a", "--fields"}},
		"show.json":   {false, []string{"show", "main", "--json"}},
		"show.txt":    {true, []string{"show", "latest", "--show-signature"}},
		"object.json": {false, []string{"show", "main", "secret/db", "--json"}},
		"diff.json":   {false, []string{"diff", "2026-11-19", "2026-11-20", "--json"}},
		"diff.txt":    {true, []string{"diff", "2026-11-19", "2026-11-20"}},
		"blame.json":  {false, []string{"blame", "ingress/web", "--at", "2026-11-19", "--json"}},
		"blame.txt":   {true, []string{"blame", "deployment/web", "-n", "team-a"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, _ := a.run(test.terminal, test.args...)
			file := filepath.Join("testdata", "audit", name)
			if *update {
				if err := os.WriteFile(file, []byte(a.normal(out)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), a.normal(out)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", test.args, diff)
			}
		})
	}
}

// Every command of docs/audit.md runs on the repository that the page is about.
func TestAuditPage(t *testing.T) {
	a := newAuditor(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	path := a.bin() + ":" + os.Getenv("PATH")
	commands := 0
	inBlock := false

	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inBlock = line == "```sh"
			continue
		}
		if !inBlock || line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		commands++
		shell := exec.Command("sh", "-ec", line)
		shell.Dir = a.dir
		shell.Env = append(os.Environ(), "PATH="+path, envRepository+"=mgmt.git", envKeys+"=keys",
			envTestTime+"=2026-11-21T12:00:00Z", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		out, err := shell.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != ExitDifferent) {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		if len(out) == 0 {
			t.Errorf("%s: prints nothing", line)
		}
	}

	if commands < 15 {
		t.Errorf("only %d commands were found", commands)
	}
}

// bin is a directory with an appbur that is this test binary.
func (a auditor) bin() string {
	a.Helper()
	self, err := os.Executable()
	if err != nil {
		a.Fatal(err)
	}
	bin := filepath.Join(a.dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		a.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "appbur")); err != nil {
		a.Fatal(err)
	}
	return bin
}
