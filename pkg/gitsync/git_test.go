package gitsync_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

// git runs stock git in a directory, away from the user's configuration, and
// returns what it printed.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return gitIn(t, dir, "", args...)
}

// gitIn is git with standard input.
func gitIn(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	out, err := tryGit(dir, stdin, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryGit(dir, stdin string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com")
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// fsck demands that stock git finds nothing to say about a repository.
func fsck(t testing.TB, dir string) {
	t.Helper()
	if out := git(t, dir, "fsck", "--strict", "--full", "--no-dangling"); out != "" {
		t.Fatalf("git fsck: %s", out)
	}
}

func newRepository(t testing.TB) *gitsync.Repository {
	t.Helper()
	r, err := gitsync.Init(filepath.Join(t.TempDir(), "repo.git"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// hash reads an object name that git wrote.
func hash(t testing.TB, text string) gitsync.Hash {
	t.Helper()
	h, err := gitsync.ParseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// when is a time with a zone that is not UTC.
var when = time.Date(2026, 11, 21, 3, 2, 38, 0, time.FixedZone("", 5400))

func info(subject string) gitsync.CommitInfo {
	p := gitsync.Person{Name: "appbur", Email: "appbur@example.com"}
	return gitsync.CommitInfo{Author: p, Committer: p, Time: when, Subject: subject}
}

func edit(t testing.TB, r *gitsync.Repository, base gitsync.Hash) *gitsync.Edit {
	t.Helper()
	e, err := r.Edit(base)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func put(t testing.TB, e *gitsync.Edit, path, data string) bool {
	t.Helper()
	changed, err := e.Put(path, []byte(data))
	if err != nil {
		t.Fatalf("put %s: %v", path, err)
	}
	return changed
}

func commit(t testing.TB, r *gitsync.Repository, e *gitsync.Edit, subject string) gitsync.Hash {
	t.Helper()
	h, err := r.Commit(t.Context(), gitsync.MainRef, e, info(subject))
	if err != nil {
		t.Fatalf("commit %q: %v", subject, err)
	}
	return h
}

func snapshot(t testing.TB, r *gitsync.Repository, h gitsync.Hash) *gitsync.Snapshot {
	t.Helper()
	s, err := r.Snapshot(h)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// contents reads all files of a commit one by one.
func contents(t testing.TB, r *gitsync.Repository, h gitsync.Hash) map[string]string {
	t.Helper()
	s := snapshot(t, r, h)
	files := map[string]string{}
	err := s.Walk("", func(path string, blob gitsync.Hash) error {
		data, err := s.Blob(blob)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func appendFile(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
