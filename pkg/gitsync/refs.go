package gitsync

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/appbur/appbur/internal/durable"
)

const (
	symbolicPrefix = "ref: "
	maxSymbolic    = 5 // git's own limit
	// stagedRef is the complete new content of a ref before it is put in place.
	// It is also what tells our own abandoned ref locks from those of git.
	stagedRef = "appbur.ref"
)

// Tip returns the object that a ref points at; the name is a full one such as
// "refs/heads/main", or "HEAD". The tip of an annotated tag is the tag object.
func (r *Repository) Tip(ref string) (Hash, error) {
	return r.resolve(ref)
}

func (r *Repository) resolve(ref string) (Hash, error) {
	name := ref
	for range maxSymbolic {
		if err := object.CheckRefName(name); err != nil {
			return Hash{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		text, err := r.readRef(name)
		if err != nil {
			return Hash{}, err
		}
		target, symbolic := strings.CutPrefix(text, symbolicPrefix)
		if !symbolic {
			return refTarget(name, text)
		}
		name = strings.TrimSpace(target)
	}
	return Hash{}, fmt.Errorf("%w: ref %s goes through more than %d others", ErrCorrupt, ref, maxSymbolic)
}

// refTarget reads the content of a ref that is not symbolic.
func refTarget(name, text string) (Hash, error) {
	id, err := ParseHash(text)
	if err != nil {
		return Hash{}, fmt.Errorf("%w: ref %s: %w", ErrCorrupt, name, err)
	}
	return id, nil
}

// readRef returns the content of a ref: a hash, or "ref: " and a name.
func (r *Repository) readRef(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	switch {
	case err == nil:
		return strings.TrimSpace(string(data)), nil
	// ENOTDIR and EISDIR: a longer or shorter name exists, so this one does not.
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.EISDIR):
		return "", fmt.Errorf("read ref: %w", err)
	}
	packed, err := r.packedRefs()
	if err != nil {
		return "", err
	}
	if hash, ok := packed[name]; ok {
		return hash.String(), nil
	}
	return "", fmt.Errorf("%w: %s", ErrRefNotFound, name)
}

// packedRefs reads the file that `git pack-refs` writes.
func (r *Repository) packedRefs() (map[string]Hash, error) {
	data, err := r.readPackedRefs()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read packed refs: %w", err)
	}
	return parsePackedRefs(data, r.limits())
}

// readPackedRefs reads the bytes of packed-refs, if they are not too many.
func (r *Repository) readPackedRefs() ([]byte, error) {
	path := filepath.Join(r.dir, packedRefsFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := r.limits().CheckPackedRefs(info.Size()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func parsePackedRefs(data []byte, limits object.Limits) (map[string]Hash, error) {
	refs := map[string]Hash{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := lines.Text()
		// "#" starts the header; "^" the commit of the tag one line above.
		if line == "" || line[0] == '#' || line[0] == '^' {
			continue
		}
		text, name, _ := strings.Cut(line, " ")
		hash, err := ParseHash(text)
		if err != nil || name == "" {
			return nil, fmt.Errorf("%w: packed-refs: %q", ErrCorrupt, line)
		}
		refs[name] = hash
		if err := limits.CheckRefs(len(refs)); err != nil {
			return nil, fmt.Errorf("packed-refs: %w", err)
		}
	}

	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: packed-refs: %w", ErrCorrupt, err)
	}
	return refs, nil
}

// refNames lists the refs whose full name starts with a prefix, sorted.
func (r *Repository) refNames(prefix string) ([]string, error) {
	refs, err := r.listRefs(prefix)
	return slices.Sorted(maps.Keys(refs)), err
}

// listRefs returns the content of all refs whose full name starts with a prefix. As
// in git, what has a name that no ref can have is none; see [object.CheckRefName].
func (r *Repository) listRefs(prefix string) (map[string]string, error) {
	refs, err := r.namedRefs(prefix)
	maps.DeleteFunc(refs, func(name, _ string) bool { return object.CheckRefName(name) != nil })
	return refs, err
}

// namedRefs is listRefs with whatever else lies where refs are.
// Files come first: `git pack-refs` writes a ref into the packed file before it takes
// its own file away, so in this order it is met in one or the other, however the two
// are timed.
func (r *Repository) namedRefs(prefix string) (map[string]string, error) {
	refs, err := r.looseRefs(prefix)
	if err != nil {
		return nil, err
	}
	packed, err := r.packedRefs()
	if err != nil {
		return nil, err
	}
	for name, hash := range packed {
		if _, newer := refs[name]; !newer && strings.HasPrefix(name, prefix) {
			refs[name] = hash.String()
		}
	}
	return refs, r.limits().CheckRefs(len(refs))
}

// limits are those of the repository. One that was not opened has those of all.
func (r *Repository) limits() object.Limits {
	if r.objects == nil {
		return object.DefaultLimits
	}
	return r.objects.Limits
}

// looseRefs reads the refs that have a file of their own.
func (r *Repository) looseRefs(prefix string) (map[string]string, error) {
	refs := map[string]string{}
	err := filepath.WalkDir(filepath.Join(r.dir, "refs"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // packed while we walk
		}
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		relative, err := filepath.Rel(r.dir, path)
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
		return r.limits().CheckRefs(len(refs))
	})
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	return refs, nil
}

// moveRef sets a ref from one object to another, durably and in one step. The
// zero id stands for "does not exist". The caller holds the writer lock; the
// ".lock" file keeps stock git out as well.
func (r *Repository) moveRef(ctx context.Context, name string, from, to Hash) (err error) {
	if err := object.CheckRefName(name); err != nil {
		return err
	}
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	staged := filepath.Join(r.dir, stagedRef)
	if err := durable.Restage(staged, 0o644, func(w io.Writer) error {
		_, err := w.Write([]byte(to.String() + "\n"))
		return err
	}); err != nil {
		return fmt.Errorf("move ref: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()

	// A link, not a write: the lock file is never seen half written.
	lock := path + ".lock"
	if err := r.takeLock(ctx, staged, lock, name); err != nil {
		return fmt.Errorf("move ref: %w", err)
	}

	// Once it is renamed, a lock of that name is somebody else's.
	locked := true
	defer func() {
		if locked {
			_ = os.Remove(lock)
		}
	}()

	if err := r.expectRef(name, from); err != nil {
		return err
	}
	if err := os.Rename(lock, path); err != nil {
		return fmt.Errorf("move ref: %w", err)
	}
	locked = false
	return r.syncRef(name, to)
}

// expectRef reports [ErrRefMoved] if a ref is not where it should be.
func (r *Repository) expectRef(name string, want Hash) error {
	got, err := r.resolve(name)
	if errors.Is(err, ErrRefNotFound) {
		got, err = Hash{}, nil
	}
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: %s is at %s, not at %s", ErrRefMoved, name, describe(got), describe(want))
	}
	return nil
}

func describe(id Hash) string {
	if id.IsZero() {
		return "nothing"
	}
	return id.Short()
}

// syncRef makes the name of a ref durable, and the names of the directories that had to
// be made for it. If one is gone, git has packed the ref meanwhile, which is durable, and
// has removed a directory that became empty.
func (r *Repository) syncRef(name string, at Hash) error {
	for dir := filepath.Dir(filepath.Join(r.dir, filepath.FromSlash(name))); len(dir) > len(r.dir); dir = filepath.Dir(dir) {
		err := durable.SyncDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return r.expectRef(name, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recoverRefLock removes the locks that a dead writer of ours left on a ref or on
// packed-refs: each is the same file as the staged content. Locks of git are other
// files and stay. The caller holds the writer lock, so nothing staged has a living
// owner.
func (r *Repository) recoverRefLock() error {
	for _, left := range []struct{ staged, below string }{{stagedRef, "refs"}, {stagedPacked, packedRefsFile + ".lock"}} {
		if err := r.recoverLock(filepath.Join(r.dir, left.staged), filepath.Join(r.dir, left.below)); err != nil {
			return fmt.Errorf("recover from a dead writer: %w", err)
		}
	}
	return nil
}

func (r *Repository) recoverLock(staged, below string) error {
	ours, err := os.Lstat(staged)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}

	err = filepath.WalkDir(below, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == below {
			return nil
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".lock") {
			return err
		}
		if info, err := d.Info(); err == nil && os.SameFile(info, ours) {
			return os.Remove(path)
		}
		return nil
	})

	return errors.Join(err, os.Remove(staged))
}
