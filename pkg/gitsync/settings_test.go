package gitsync_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The setting is written where git finds it, and nothing else in the file changes.
func TestSettingsAreWrittenWhereGitFindsThem(t *testing.T) {
	const core = "[core]\n\tbare = true\n\trepositoryformatversion = 0 ; theirs\n"
	for name, text := range map[string]string{
		"no section":      core,
		"empty section":   core + "[appbur]\n",
		"set":             core + "[appbur]\n\trequiredRemotes = 7\n# kept\n",
		"set twice":       core + "[Appbur]\n\tREQUIREDREMOTES=7\n[remote \"a\"]\n\turl = /a\n[appbur]\n\trequiredremotes = 8\n",
		"no newline":      core + "[appbur]\n\tother = 1",
		"another section": core + "[appbur \"x\"]\n\trequiredRemotes = 5\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			path := filepath.Join(r.Dir(), "config")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, n := range []string{"2", "0", "1"} {
				if err := r.SetSetting(t.Context(), "requiredRemotes", n); err != nil {
					t.Fatal(err)
				}
				got, err := r.Setting("requiredRemotes")
				if theirs := git(t, r.Dir(), "config", "--get-all", "appbur.requiredRemotes"); err != nil || got != n || theirs != n {
					t.Errorf("%s, %v; git says %q", got, err, theirs)
				}
			}
			if err := r.SetSetting(t.Context(), "requiredRemotes", ""); err != nil {
				t.Fatal(err)
			}
			if out, err := tryGit(r.Dir(), "", "config", "appbur.requiredRemotes"); err == nil {
				t.Errorf("git still finds %q", out)
			}
			left, err := os.ReadFile(path)
			if err != nil || !strings.HasPrefix(string(left), core) || strings.Contains(text, "# kept") != strings.Contains(string(left), "# kept") {
				t.Errorf("%v\n%s", err, left)
			}
		})
	}

	// What cannot be edited line by line is left to git.
	r := newRepository(t)
	path := filepath.Join(r.Dir(), "config")
	appendFile(t, path, "[appbur] # ours\n\trequiredRemotes = 3\n")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	if err := r.SetSetting(t.Context(), "requiredRemotes", ""); err == nil || !strings.Contains(err.Error(), "cannot be edited") {
		t.Errorf("%v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("%v\n%s", err, after)
	}
}
