package gitsync_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/gitsync"
)

// randomHistory makes a repository with stock git: files that change line by line,
// branches and merges, many commits within one second.
func randomHistory(t testing.TB, seed uint64, commits int) *gitsync.Repository {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 11))
	dir := filepath.Join(t.TempDir(), "repo.git")
	git(t, t.TempDir(), "init", "-q", "--bare", dir)
	type state map[string][]string
	paths := []string{"a.yaml", "dir/b.yaml", "dir/c.yaml", "other/dir/d.yaml", "other/e.yaml"}
	states := []state{}
	var in strings.Builder

	for i := range commits {
		at := 1_700_000_000 + i*2/3
		now := state{}
		var parents []int
		if i > 0 {
			parents = []int{i - 1 - r.IntN(min(i, 3))}
			if other := r.IntN(i); i > 3 && r.IntN(4) == 0 && other != parents[0] {
				parents = append(parents, other)
			}
			for path, lines := range states[parents[r.IntN(len(parents))]] {
				now[path] = slices.Clone(lines)
			}
		}
		path := paths[r.IntN(len(paths))]
		line := func() string { return fmt.Sprintf("%s%s key%d", strings.Repeat("  ", r.IntN(3)), path, r.IntN(12)) }
		switch lines := now[path]; {
		case len(parents) == 2 && r.IntN(2) == 0: // a merge without changes of its own
		case len(lines) == 0:
			for range 1 + r.IntN(60) {
				now[path] = append(now[path], line())
			}
		case r.IntN(12) == 0:
			delete(now, path)
		default:
			for range 1 + r.IntN(3) {
				cut := r.IntN(len(lines) + 1)
				switch r.IntN(3) {
				case 0:
					lines = slices.Insert(lines, cut, line())
				case 1:
					lines = slices.Delete(lines, cut, min(len(lines), cut+2))
				default:
					lines = slices.Insert(lines, cut, slices.Clone(lines[cut/2:cut])...)
				}
			}
			if now[path] = lines; len(lines) == 0 {
				delete(now, path)
			}
		}
		states = append(states, now)
		fmt.Fprintf(&in, "commit refs/heads/c%d\nmark :%d\ncommitter c <c@example.com> %d +0000\ndata 1\nx\n", i, i+1, at)
		for k, p := range parents {
			fmt.Fprintf(&in, "%s :%d\n", []string{"from", "merge"}[k], p+1)
		}
		in.WriteString("deleteall\n")
		for p, lines := range now {
			text := strings.Join(lines, "\n") + "\n"
			fmt.Fprintf(&in, "M 644 inline %s\ndata %d\n%s\n", p, len(text), text)
		}
		if i == commits-1 {
			fmt.Fprintf(&in, "reset refs/heads/main\nfrom :%d\n\n", i+1)
		}
	}

	gitIn(t, dir, in.String(), "fast-import", "--quiet")
	return open(t, dir)
}

func open(t testing.TB, dir string) *gitsync.Repository {
	t.Helper()
	r, err := gitsync.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tip(t testing.TB, r *gitsync.Repository) gitsync.Hash {
	t.Helper()
	h, err := r.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func walk(t testing.TB, r *gitsync.Repository, o gitsync.WalkOptions) []gitsync.Step {
	t.Helper()
	var steps []gitsync.Step
	for step, err := range r.Walk(t.Context(), tip(t, r), o) {
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func hashes(steps []gitsync.Step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.Hash.String() + "\n")
	}
	return strings.TrimSpace(b.String())
}

func TestWalkIsGitLog(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}

	for seed := range seeds {
		r := randomHistory(t, seed, 150)
		for _, paths := range [][]string{
			nil,
			{"a.yaml"},
			{"dir"},
			{"dir/c.yaml"},
			{"a.yaml", "other/dir"},
			{"other/dir/d.yaml", "dir/b.yaml"},
			{"nothing"},
		} {
			var patterns []gitsync.Pattern
			for _, p := range paths {
				patterns = append(patterns, gitsync.ExactPath(p))
			}
			args := append([]string{"log", "--format=%H", "main", "--"}, paths...)
			if diff := cmp.Diff(git(t, r.Dir(), args...), hashes(walk(t, r, gitsync.WalkOptions{Patterns: patterns}))); diff != "" {
				t.Errorf("seed %d, paths %v (-git +walk):\n%s", seed, paths, diff)
			}
		}
	}
}

func TestWalkWithinTimes(t *testing.T) {
	r := randomHistory(t, 9, 150)
	since, until := time.Unix(1_700_000_030, 0), time.Unix(1_700_000_060, 0)
	for _, path := range []string{"", "dir"} {
		o := gitsync.WalkOptions{Since: since, Until: until}
		args := []string{"log", "--format=%H", fmt.Sprintf("--since=%d", since.Unix()), fmt.Sprintf("--until=%d", until.Unix()), "main"}
		if path != "" {
			o.Patterns, args = []gitsync.Pattern{gitsync.ExactPath(path)}, append(args, "--", path)
		}
		if diff := cmp.Diff(git(t, r.Dir(), args...), hashes(walk(t, r, o))); diff != "" {
			t.Errorf("path %q (-git +walk):\n%s", path, diff)
		}
	}
}

// The changes of a step are those of git diff-tree against the first parent.
func TestWalkSaysWhatChanged(t *testing.T) {
	r := randomHistory(t, 3, 80)
	starts := func(prefix string) func(string) bool {
		return func(name string) bool { return strings.HasPrefix(name, prefix) }
	}
	for name, test := range map[string]struct {
		pattern gitsync.Pattern
		match   func(string) bool
	}{
		"everything": {gitsync.Pattern{}, func(string) bool { return true }},
		"directory":  {gitsync.ExactPath("dir"), starts("dir/")},
		"matched":    {gitsync.Pattern{{Match: starts("d")}, {Match: starts("c")}}, starts("dir/c")},
	} {
		for _, step := range walk(t, r, gitsync.WalkOptions{Patterns: []gitsync.Pattern{test.pattern}}) {
			parent := "4b825dc642cb6eb9a060e54bf8d69288fbee4904" // git's empty tree
			if len(step.Parents) > 0 {
				parent = step.Parents[0].String()
			}

			var want []string
			for line := range strings.Lines(git(t, r.Dir(), "diff-tree", "-r", "--name-status", "--no-renames", parent, step.Hash.String())) {
				status, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
				if test.match(path) {
					want = append(want, status+" "+path)
				}
			}

			var got []string
			for _, c := range step.Changes {
				switch {
				case c.From.IsZero():
					got = append(got, "A "+c.Path)
				case c.To.IsZero():
					got = append(got, "D "+c.Path)
				default:
					got = append(got, "M "+c.Path)
				}
			}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: commit %s (-git +walk):\n%s", name, step.Hash, diff)
			}
		}
	}
}

// gitBlame returns "hash line-there" for each line, from stock git.
func gitBlame(t testing.TB, r *gitsync.Repository, path string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(git(t, r.Dir(), "blame", "--porcelain", "main", "--", path)) {
		if fields := strings.Fields(line); len(fields) >= 3 && len(fields[0]) == 40 && !strings.HasPrefix(line, "\t") {
			lines = append(lines, fields[0]+" "+fields[1])
		}
	}
	return lines
}

func blame(t testing.TB, r *gitsync.Repository, paths ...string) []string {
	t.Helper()
	answer, commits, err := r.Blame(t.Context(), tip(t, r), paths...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range answer {
		lines = append(lines, l.Commit.String()+" "+strconv.Itoa(l.Number))
		if commits[l.Commit].Hash != l.Commit {
			t.Fatalf("commit %s is not among those returned", l.Commit)
		}
	}
	return lines
}

func TestBlameIsGitBlame(t *testing.T) {
	compared, seeds := 0, 6
	if testing.Short() {
		seeds = 2
	}

	for seed := range uint64(seeds) {
		r := randomHistory(t, seed, 120)
		for path := range contents(t, r, tip(t, r)) {
			compared++
			if diff := cmp.Diff(gitBlame(t, r, path), blame(t, r, path)); diff != "" {
				t.Errorf("seed %d, %s (-git +blame):\n%s", seed, path, diff)
			}
		}
	}
	if compared < 2*seeds {
		t.Errorf("only %d files were compared", compared)
	}
}

// Lines are followed through a name that is known to be the same file, as git does
// by guessing.
func TestBlameFollowsKnownNames(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "old/x", "one\ntwo\nthree\nfour\n")
	first := commit(t, r, e, "add")
	if _, err := e.Remove("old/x"); err != nil {
		t.Fatal(err)
	}
	put(t, e, "new/x", "one\ntwo\nTHREE\nfour\n")
	second := commit(t, r, e, "move")

	want := []string{first.String() + " 1", first.String() + " 2", second.String() + " 3", first.String() + " 4"}
	if diff := cmp.Diff(want, blame(t, r, "new/x", "old/x")); diff != "" {
		t.Errorf("blame (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, gitBlame(t, r, "new/x")); diff != "" {
		t.Errorf("git blame (-want +got):\n%s", diff)
	}
	if _, _, err := r.Blame(t.Context(), second, "old/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("blame of a file that is gone: %v", err)
	}
}

// A text with a long common end is compared as git compares it.
func TestBlameWithLongTails(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	element := "- name: x\n  enabled: true\n  ports:\n  - 80\n"
	rnd := rand.New(rand.NewPCG(5, 5))
	list := []string{}

	for i := range 60 {
		at := rnd.IntN(len(list) + 1)
		switch {
		case i > 20 && rnd.IntN(3) == 0:
			list = slices.Delete(list, at/2, at/2+1)
		case rnd.IntN(2) == 0:
			list = slices.Insert(list, at, element)
		default:
			list = slices.Insert(list, at, fmt.Sprintf("- name: y%d\n  enabled: true\n", rnd.IntN(5)))
		}
		put(t, e, "list", "head\n"+strings.Join(list, "")+strings.Repeat(element, 40))
		commit(t, r, e, fmt.Sprint(i))
	}

	if diff := cmp.Diff(gitBlame(t, r, "list"), blame(t, r, "list")); diff != "" {
		t.Errorf("blame (-git +blame):\n%s", diff)
	}
}

func TestFindCommit(t *testing.T) {
	r := randomHistory(t, 1, 60)
	for _, h := range strings.Fields(git(t, r.Dir(), "log", "--format=%H", "main")) {
		for _, n := range []int{9, 12, 40} {
			if got, err := r.FindCommit(h[:n]); err != nil || got.String() != h {
				t.Fatalf("FindCommit(%s) = %s, %v", h[:n], got, err)
			}
		}
	}
	for _, bad := range []string{"", "abc", "xyzw", "zz00", strings.Repeat("a", 41)} {
		if _, err := r.FindCommit(bad); err == nil || errors.Is(err, gitsync.ErrObjectNotFound) {
			t.Errorf("FindCommit(%q): %v", bad, err)
		}
	}
	// A tree is no commit.
	tree := git(t, r.Dir(), "rev-parse", "main^{tree}")
	if _, err := r.FindCommit(tree); !errors.Is(err, gitsync.ErrObjectNotFound) {
		t.Errorf("FindCommit of a tree: %v", err)
	}
}
