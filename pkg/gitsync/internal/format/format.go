package format

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// extension is a format extension of Git's, as the configuration names it.
type extension struct {
	// value is the only one under which this package reads and writes correctly; ""
	// means any, and a refused extension has none.
	value   string
	refused bool
	// what a repository with another value is, and the way out.
	what, hint string
}

const (
	fullCloneHint = "make a full one: git clone --bare URL, without --filter"
	renewHint     = "make a new repository; it will have SHA-1 objects and refs in files, as most servers do"
)

// extensions are all that is known. What is not among them is refused, as git does.
var extensions = map[string]extension{
	// ids have 20 bytes everywhere in this package
	"objectformat": {value: "sha1", what: "a repository of SHA-256 objects", hint: renewHint},
	// refs are read as files
	"refstorage": {
		value: "files", what: "its refs lie in a reftable",
		hint: "turn them into files: git refs migrate --ref-format=files (git 2.46 or newer)",
	},
	// every object has to be here
	"partialclone":       {refused: true, what: "a partial clone, which lacks objects on purpose", hint: fullCloneHint},
	"compatobjectformat": {refused: true, what: "its objects have two names each", hint: renewHint},
	// read; Maintain refuses to prune
	"preciousobjects": {},
	"noop":            {},
	// these concern settings and worktrees, which are not read here
	"worktreeconfig":    {},
	"relativeworktrees": {},
}

// Read refuses repositories whose format this package does not know, and
// returns whether the owner forbids to delete objects, and which limits hold.
func Read(dir string) (precious bool, l object.Limits, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, object.DefaultLimits, nil
	}
	if err != nil {
		return false, l, err
	}
	cfg := config.New()
	if err := config.NewDecoder(bytes.NewReader(data)).Decode(cfg); err != nil {
		return false, l, fmt.Errorf("read config: %w", err)
	}

	// Extensions first: they say what it is, where a version is but a number.
	for _, option := range cfg.Section("extensions").Options {
		if err := checkExtension(strings.ToLower(option.Key), option.Value); err != nil {
			return false, l, err
		}
		if strings.EqualFold(option.Key, "preciousobjects") && isTrue(option.Value) {
			precious = true
		}
	}
	if v := cfg.Section("core").Option("repositoryformatversion"); v != "" && v != "0" && v != "1" {
		return false, l, appbur.WithHint(fmt.Errorf("%w: format version %s", object.ErrUnsupported, v),
			"it is from a newer git; look for a newer appbur")
	}

	// Older git marks partial clones at the remote only.
	for _, remote := range cfg.Section("remote").Subsections {
		if isTrue(remote.Option("promisor")) || remote.Option("partialclonefilter") != "" {
			return false, l, checkExtension("partialclone", remote.Name)
		}
	}
	l, err = object.ReadLimits(cfg)
	return precious, l, err
}

func checkExtension(key, value string) error {
	known, ok := extensions[key]
	switch {
	case !ok:
		return appbur.WithHint(fmt.Errorf("%w: extension %s = %s", object.ErrUnsupported, key, value),
			"it is from a newer git; look for a newer appbur")
	case known.refused || known.value != "" && !strings.EqualFold(value, known.value):
		return appbur.WithHint(fmt.Errorf("%w: %s (extension %s = %s)", object.ErrUnsupported, known.what, key, value), known.hint)
	}
	return nil
}

// isTrue reads a truth value as git does: everything but a no is a yes, except that a
// setting that is not there is a no.
func isTrue(value string) bool {
	return value != "" && !slices.Contains([]string{"false", "no", "off", "0"}, strings.ToLower(value))
}

// NoRepository is the error for a directory that is none.
func NoRepository(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		return appbur.WithHint(&NotRepositoryError{Dir: dir, Worktree: true}, "a repository without a worktree is needed: git clone --bare "+dir)
	}
	return &NotRepositoryError{Dir: dir}
}
