package object

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxPath and maxName are what Linux file systems take. Longer paths could be
	// committed but not checked out.
	maxPath = 4095
	maxName = 255
)

// ReservedNames are names that git acts upon, with the reason.
var ReservedNames = map[string]string{
	".":           "it names the directory itself",
	"..":          "it leaves the directory",
	".git":        "git keeps its own files there",
	"git~1":       "it is the short form of .git on Windows",
	".gitmodules": "git would look for submodules",
}

// SplitPath checks a path and returns its names.
func SplitPath(path string) ([]string, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("%w: %.40q… has %d bytes, at most %d", ErrPath, path, len(path), maxPath)
	}
	if !utf8.ValidString(path) {
		return nil, fmt.Errorf("%w: %q is not UTF-8", ErrPath, path)
	}
	names := strings.Split(path, "/")
	for _, name := range names {
		if reason := refuseName(name); reason != "" {
			return nil, fmt.Errorf("%w: %q: %s", ErrPath, path, reason)
		}
	}
	return names, nil
}

// refuseName returns why a name cannot be stored, or "".
func refuseName(name string) string {
	if name == "" {
		return "a name is empty"
	}
	if len(name) > maxName {
		return fmt.Sprintf("a name has %d bytes, at most %d", len(name), maxName)
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return "a name has a control character"
		}
		if r == '\\' {
			return "a name has a backslash, which separates names on Windows"
		}
	}
	if reason, reserved := ReservedNames[FoldName(name)]; reserved {
		return fmt.Sprintf("the name %q is reserved: %s", name, reason)
	}
	return ""
}

// FoldName returns the name as the most forgiving file system reads it: NTFS
// ignores case, trailing dots and spaces and what follows a colon; HFS+ ignores
// case and invisible characters. git's own checks (is_ntfs_dotgit,
// is_hfs_dotgit) fold the same way.
func FoldName(name string) string {
	if name == "." || name == ".." {
		return name
	}
	name, _, _ = strings.Cut(name, ":")
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	return strings.TrimRight(name, ". ")
}
