package fsck

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/refs"
)

// checkedRef is a ref whose content is an object id.
type checkedRef struct {
	name string
	id   object.Hash
}

// readRefs lists every ref and the commits at which a shallow clone ends.
func (c *checker) readRefs() error {
	store := &refs.Store{Dir: c.dir, Limits: c.limits}
	found, err := store.ListAll("refs/")
	switch {
	case errors.Is(err, object.ErrTooLarge):
		c.problem(Limit, object.Hash{}, "refs", "%v", err)
	case errors.Is(err, object.ErrCorrupt):
		c.problem(Ref, object.Hash{}, "packed-refs", "%v", reasonOf(err))
	case err != nil:
		return err
	}

	for _, name := range slices.Sorted(maps.Keys(found)) {
		id, err := store.Resolve(name)
		if errors.Is(err, refs.ErrNotFound) && !store.Exists(name) {
			continue // deleted since it was listed
		}
		if err != nil {
			c.problem(Ref, object.Hash{}, name, "%v", reasonOf(err))
			continue
		}
		c.refs = append(c.refs, checkedRef{name, id})
	}

	c.report.Refs = len(found)
	if err := c.checkHead(store); err != nil {
		return err
	}
	return c.readShallow()
}

// checkHead demands that HEAD names a branch. The branch need not exist yet.
func (c *checker) checkHead(store *refs.Store) error {
	text, err := os.ReadFile(filepath.Join(c.dir, "HEAD"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read HEAD: %w", err)
	}
	if err != nil || !strings.HasPrefix(string(text), refs.SymbolicPrefix+"refs/heads/") {
		c.problem(Ref, object.Hash{}, "HEAD", "it names no branch")
		return nil
	}
	if _, err := store.Resolve("HEAD"); err != nil && !errors.Is(err, refs.ErrNotFound) {
		c.problem(Ref, object.Hash{}, "HEAD", "%v", reasonOf(err))
	}
	return nil
}

func (c *checker) readShallow() error {
	data, err := os.ReadFile(filepath.Join(c.dir, pack.ShallowFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the list of shallow commits: %w", err)
	}
	c.shallow = map[object.Hash]bool{}
	for line := range strings.Lines(string(data)) {
		id, err := object.ParseHash(strings.TrimSpace(line))
		if err != nil {
			c.problem(Format, object.Hash{}, "shallow", "%v", err)
			continue
		}
		c.shallow[id] = true
	}
	return nil
}

// checkRefs demands that every ref leads to an object that is there, and branches to
// commits.
func (c *checker) checkRefs() {
	for _, ref := range c.refs {
		i := c.catalog.find(ref.id)
		if i < 0 {
			c.mu.Lock()
			c.broken[ref.id] = true
			c.mu.Unlock()
			c.problem(Ref, ref.id, ref.name, "it points at an object that is not there")
			continue
		}
		kind := plumbing.ObjectType(c.catalog.marks[i].Load() & markKind)
		if kind != 0 && kind != plumbing.CommitObject && strings.HasPrefix(ref.name, "refs/heads/") {
			c.problem(Ref, ref.id, ref.name, "a branch points at a %s", kind)
		}
	}
}
