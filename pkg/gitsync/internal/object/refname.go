package object

import (
	"errors"
	"fmt"
	"strings"
)

// ErrRefName means that a ref cannot be called so.
var ErrRefName = errors.New("not the name of a ref")

// refNameRules are those of `git check-ref-format`, which stock git applies wherever it
// reads a name. There is no other rule here: a stricter one would end lists over tags
// that git lets everybody make, a laxer one would let a name be a path out of the
// repository.
var refNameRules = []struct {
	reason string
	broken func(name string) bool
}{
	{"it has a byte that names cannot have", func(name string) bool {
		return strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) })
	}},
	{"it has .. or @{", func(name string) bool { return strings.Contains(name, "..") || strings.Contains(name, "@{") }},
	{"it ends with a dot", func(name string) bool { return strings.HasSuffix(name, ".") }},
	{"a part is empty, begins with a dot or ends with .lock", func(name string) bool {
		for part := range strings.SplitSeq(name, "/") {
			if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
				return true
			}
		}
		return false
	}},
	{"it has only one part", func(name string) bool { return name != "HEAD" && !strings.Contains(name, "/") }},
}

// CheckRefName checks every name on its way in: of an advertisement, in
// packed-refs, of a file below refs, in a symbolic ref, or from a caller.
func CheckRefName(name string) error {
	for _, rule := range refNameRules {
		if rule.broken(name) {
			return fmt.Errorf("%w: %q: %s", ErrRefName, name, rule.reason)
		}
	}
	return nil
}
