package testremote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Bare makes an empty bare repository with stock git, in a directory of its own,
// and returns its path. The directory above it is the root that servers serve.
func Bare(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mgmt.git")
	Git(t, filepath.Dir(dir), "init", "-q", "--bare", "-b", "main", dir)
	Git(t, dir, "config", "http.receivepack", "true")
	return dir
}

// Git runs stock git in a directory, away from the user's configuration, and
// returns what it printed.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := TryGit(dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// TryGit is Git that may fail.
func TryGit(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), cleanGit...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// cleanGit keeps git away from the configuration of whoever runs the tests.
var cleanGit = []string{
	"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0",
	"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.com",
}

// Fsck demands that stock git finds nothing to say about a repository.
func Fsck(t testing.TB, dir string) {
	t.Helper()
	if out := Git(t, dir, "fsck", "--strict", "--full", "--no-dangling"); out != "" {
		t.Fatalf("git fsck: %s", out)
	}
}

// Hook writes a hook of a repository: a shell script.
func Hook(t testing.TB, dir, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "hooks", name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}
