package gitsync_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

func TestPathsThatCannotBeStored(t *testing.T) {
	e := edit(t, newRepository(t), gitsync.Hash{})
	for _, path := range []string{
		"", "/", "a/", "/a", "a//b", ".", "..", "a/..", "../a", "a/./b",
		".git", ".GIT/config", "a/.git/b", ".git.", ".git ", ".git::$INDEX_ALLOCATION", "git~1", "GIT~1", ".g\u200cit", ".gitmodules",
		"a/.GitModules",
		"a\x00b", "a\nb", "a\tb", "a\x7fb", "a\\b", "a/\xff", strings.Repeat("x", 256), strings.Repeat("a/", 2100) + "a",
	} {
		if _, err := e.Put(path, nil); !errors.Is(err, gitsync.ErrPath) {
			t.Errorf("put %q: %v, want ErrPath", path, err)
		}
		if path == "" {
			continue
		}
		if _, err := e.RemoveAll(path); !errors.Is(err, gitsync.ErrPath) {
			t.Errorf("remove %q: %v, want ErrPath", path, err)
		}
	}

	for _, path := range []string{"a", ".gitattributes", "...", "a b", "%3a", "git", ".github/x", "é", strings.Repeat("x", 255)} {
		if _, err := e.Put(path, nil); err != nil {
			t.Errorf("put %q: %v", path, err)
		}
	}
}

// FuzzPath holds two things: what is accepted passes git fsck's own rules for
// names, and what was put is found again.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"a/b", "..", ".git", "a//b", "a\x00", "é/%3a", ".git ", "git~1/x", "a/.gitmodules"} {
		f.Add(seed)
	}

	r := newRepository(f)
	f.Fuzz(func(t *testing.T, path string) {
		e, err := r.Edit(gitsync.Hash{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Put(path, []byte("x")); err != nil {
			if !errors.Is(err, gitsync.ErrPath) {
				t.Fatal(err)
			}
			return
		}
		for name := range strings.SplitSeq(path, "/") {
			if name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git") || strings.ContainsAny(name, "\x00\\") {
				t.Fatalf("%q was accepted", path)
			}
		}
		if got, err := e.ReadFile(path); err != nil || string(got) != "x" {
			t.Fatalf("%q = %q, %v", path, got, err)
		}
	})
}
