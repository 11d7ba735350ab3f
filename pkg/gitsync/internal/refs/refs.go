package refs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

const (
	// SymbolicPrefix begins the content of a ref that names another one.
	SymbolicPrefix = "ref: "
	maxSymbolic    = 5 // git's own limit
)

// Store is the refs of one repository. It is safe for concurrent use, except that whoever
// moves or deletes a ref holds the repository's writer lock.
type Store struct {
	// Dir is the directory of the repository.
	Dir    string
	Limits object.Limits
	// LockWait is how long a writer waits for git to release a lock, at most gitLockWait.
	LockWait time.Duration
	// WithRoom calls a function again with room for some bytes when the disk is full;
	// nil means once.
	WithRoom func(func() error) error
}

// Resolve returns the object that a ref leads to, through symbolic refs.
func (s *Store) Resolve(ref string) (object.Hash, error) {
	name := ref
	for range maxSymbolic {
		if err := object.CheckRefName(name); err != nil {
			return object.Hash{}, fmt.Errorf("%w: %w", object.ErrCorrupt, err)
		}
		text, err := s.read(name)
		if err != nil {
			return object.Hash{}, err
		}
		target, symbolic := strings.CutPrefix(text, SymbolicPrefix)
		if !symbolic {
			return refTarget(name, text)
		}
		name = strings.TrimSpace(target)
	}
	return object.Hash{}, fmt.Errorf("%w: ref %s goes through more than %d others", object.ErrCorrupt, ref, maxSymbolic)
}

// Target reads the content of a ref, as [Store.List] returns it.
func (s *Store) Target(name, text string) (object.Hash, error) {
	if strings.HasPrefix(text, SymbolicPrefix) {
		return s.Resolve(name)
	}
	return refTarget(name, text)
}

// refTarget reads the content of a ref that is not symbolic.
func refTarget(name, text string) (object.Hash, error) {
	id, err := object.ParseHash(text)
	if err != nil {
		return object.Hash{}, fmt.Errorf("%w: ref %s: %w", object.ErrCorrupt, name, err)
	}
	return id, nil
}

// read returns the content of a ref: a hash, or "ref: " and a name.
func (s *Store) read(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(s.Dir, filepath.FromSlash(name)))
	switch {
	case err == nil:
		return strings.TrimSpace(string(data)), nil
	// ENOTDIR and EISDIR: a longer or shorter name exists, so this one does not.
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.EISDIR):
		return "", fmt.Errorf("read ref: %w", err)
	}
	packed, err := s.packed()
	if err != nil {
		return "", err
	}
	if hash, ok := packed[name]; ok {
		return hash.String(), nil
	}
	return "", fmt.Errorf("%w: %s", ErrNotFound, name)
}

// Exists reports whether there is a ref of a name.
func (s *Store) Exists(name string) bool {
	_, err := s.read(name)
	return !errors.Is(err, ErrNotFound)
}

// Names lists the refs whose full name starts with a prefix, sorted.
func (s *Store) Names(prefix string) ([]string, error) {
	refs, err := s.List(prefix)
	return slices.Sorted(maps.Keys(refs)), err
}

// List returns the content of all refs whose full name starts with a prefix. As
// in git, what has a name that no ref can have is none; see [object.CheckRefName].
func (s *Store) List(prefix string) (map[string]string, error) {
	refs, err := s.ListAll(prefix)
	maps.DeleteFunc(refs, func(name, _ string) bool { return object.CheckRefName(name) != nil })
	return refs, err
}

// ListAll is List with whatever else is where refs are.
// Files come first: `git pack-refs` writes a ref into the packed file before it takes
// its own file away, so in this order it is met in one or the other, however the two
// are timed.
func (s *Store) ListAll(prefix string) (map[string]string, error) {
	refs, err := s.loose(prefix)
	if err != nil {
		return nil, err
	}
	packed, err := s.packed()
	if err != nil {
		return nil, err
	}
	for name, hash := range packed {
		if _, newer := refs[name]; !newer && strings.HasPrefix(name, prefix) {
			refs[name] = hash.String()
		}
	}
	return refs, s.Limits.CheckRefs(len(refs))
}

// loose reads the refs that have a file of their own.
func (s *Store) loose(prefix string) (map[string]string, error) {
	refs := map[string]string{}
	err := filepath.WalkDir(filepath.Join(s.Dir, "refs"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // packed while we walk
		}
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		relative, err := filepath.Rel(s.Dir, path)
		if err != nil || !strings.HasPrefix(filepath.ToSlash(relative), prefix) {
			return err
		}

		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		refs[filepath.ToSlash(relative)] = strings.TrimSpace(string(text))
		if err != nil {
			return err
		}
		return s.Limits.CheckRefs(len(refs))
	})
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	return refs, nil
}
