package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Store reads the objects of a repository: packs first, newest first, then
// loose objects, then those of its alternates. It is safe for concurrent use;
// go-git's own storage is not, not even for reading, which is why this exists.
// Packs that appear or vanish while it is open are noticed when an object is
// missing, so stock git may repack at any time.
type Store struct {
	Dirs   []string // "objects" directories, our own first
	Limits object.Limits

	mu    sync.RWMutex
	packs []*Pack
	// Large are the packs that are searched one by one. The objects of all the
	// small ones are in one table, so that thousands of them cost no more.
	Large []*Pack
	small map[object.Hash]packPlace
	// changes counts how often the packs have changed.
	changes int
}

// packPlace is where an object is.
type packPlace struct {
	pack   *Pack
	offset int64
}

// smallPack is how many objects a pack has at most that goes into the table.
const smallPack = 2048

// OpenStore finds the packs below objects and its alternates.
func OpenStore(objects string, limits object.Limits) (*Store, error) {
	dirs, err := ObjectDirs(objects, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	s := &Store{Dirs: dirs, Limits: limits, small: map[object.Hash]packPlace{}}
	return s, s.Rescan()
}

// ObjectDirs returns a directory of objects and those that it borrows from, as
// objects/info/alternates names them, each once. Those that are not usable are left out.
func ObjectDirs(objects string, usable func(dir string) bool) ([]string, error) {
	dirs := []string{objects}
	// The list grows while it is walked: alternates may have alternates.
	for i := 0; i < len(dirs); i++ {
		list, err := os.ReadFile(filepath.Join(dirs[i], "info", "alternates"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read alternates: %w", err)
		}

		for line := range strings.Lines(string(list)) {
			dir := strings.TrimRight(line, "\r\n")
			if dir == "" || strings.HasPrefix(dir, "#") {
				continue
			}
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(dirs[i], dir)
			}
			if dir = filepath.Clean(dir); !slices.Contains(dirs, dir) && usable(dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs, nil
}

// PackDir is where new packs go.
func (s *Store) PackDir() string { return filepath.Join(s.Dirs[0], "pack") }

// Rescan reads the directories of packs again. Indexes already loaded are kept.
func (s *Store) Rescan() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make(map[string]*Pack, len(s.packs))
	for _, p := range s.packs {
		known[p.Path] = p
	}
	var packs []*Pack
	changed := false

	for _, dir := range s.Dirs {
		found, err := List(dir)
		if err != nil {
			return err
		}
		for _, files := range found {
			// An index whose pack is gone is of no use.
			if !files.has(packEnding) {
				continue
			}
			p, ok := known[files.path(packEnding)]
			if ok && p.Cruft == files.has(mtimesEnding) {
				p.Kept.Store(files.has(KeepEnding))
				packs = append(packs, p)
				continue
			}
			p, err := readPack(files, s.Limits)
			if errors.Is(err, fs.ErrNotExist) {
				continue // repacked between listing and reading
			}
			if err != nil {
				return err
			}
			changed = true
			packs = append(packs, p)
		}
	}

	if changed || len(packs) != len(s.packs) {
		s.setPacks(packs)
	}
	return nil
}

// readPack reads the index of a pack.
func readPack(files Files, limits object.Limits) (*Pack, error) {
	data, err := os.ReadFile(files.path(indexEnding))
	if err != nil {
		return nil, fmt.Errorf("read pack index: %w", err)
	}
	index, err := ParseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", files.path(indexEnding), err)
	}
	p := &Pack{Path: files.path(packEnding), Index: index, Limits: limits, Cruft: files.has(mtimesEnding), Searched: files.has(revEnding)}
	p.Kept.Store(files.has(KeepEnding))
	return p, nil
}

// setPacks replaces the packs. The caller holds the lock.
func (s *Store) setPacks(packs []*Pack) {
	s.packs, s.Large, s.small = packs, nil, map[object.Hash]packPlace{}
	s.changes++
	for _, p := range packs {
		s.enter(p)
	}
}

// enter makes a pack found. The caller holds the lock.
func (s *Store) enter(p *Pack) {
	if p.Index.Count > smallPack {
		s.Large = append(s.Large, p)
		return
	}
	for i := range p.Index.Count {
		if offset, ok := p.Index.Offset(i); ok {
			id := p.Index.ID(i)
			// Content that may be pruned comes after content that will stay.
			if known, again := s.small[id]; !again || known.pack.Cruft {
				s.small[id] = packPlace{p, offset}
			}
		}
	}
}

// Add makes a pack known that was written just now, which is cheaper than
// looking through a directory of thousands.
func (s *Store) Add(p *Pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Limits = s.Limits // also of one that is known: it may replace what is
	if !slices.ContainsFunc(s.packs, func(known *Pack) bool { return known.Path == p.Path }) {
		s.packs = append(s.packs, p)
		s.enter(p)
		s.changes++
	}
}

// replace makes a pack known instead of others that are about to vanish.
func (s *Store) replace(gone []*Pack, by ...*Pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	packs := slices.DeleteFunc(slices.Clone(s.packs), func(p *Pack) bool {
		return slices.ContainsFunc(gone, func(other *Pack) bool { return other.Path == p.Path }) ||
			slices.ContainsFunc(by, func(other *Pack) bool { return other.Path == p.Path })
	})
	s.setPacks(append(packs, by...))
}

// Own returns the packs of the repository itself.
func (s *Store) Own() []*Pack {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(s.packs), func(p *Pack) bool { return !s.isOwn(p) })
}

// isOwn reports whether a pack belongs to the repository and not to an alternate.
func (s *Store) isOwn(p *Pack) bool { return filepath.Dir(p.Path) == s.PackDir() }

// Find returns the pack that holds an object.
func (s *Store) Find(id object.Hash) (*Pack, int64, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if place, ok := s.small[id]; ok && !place.pack.Cruft {
		return place.pack, place.offset, true
	}
	for _, p := range slices.Backward(s.Large) {
		if offset, ok := p.Index.find(id); ok {
			return p, offset, true
		}
	}
	place, ok := s.small[id]
	return place.pack, place.offset, ok
}

// Demand makes sure that packs hold objects which a commit will not bring, and
// makes those packs young, so that no prune takes the objects away.
func (s *Store) Demand(ids []object.Hash) error {
	fresh := map[*Pack]bool{}
	for _, id := range ids {
		found := false
		for range lookups {
			p, _, ok := s.Find(id)
			if ok && !fresh[p] {
				fresh[p] = freshen(p) == nil
			}
			if found = ok && fresh[p]; found {
				break
			}
			if err := s.Rescan(); err != nil {
				return err
			}
		}
		if !found {
			return appbur.WithHint(fmt.Errorf("%w: %s was pruned while it was about to be used again", object.ErrObjectNotFound, id),
				"begin a new edit")
		}
	}

	return nil
}

// state is another number whenever the packs are others.
func (s *Store) state() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changes
}

// lookups is how often an object is looked for when packs come and go.
const lookups = 10

// Read returns an object and proves that it is the one asked for.
func (s *Store) Read(id object.Hash) (RawObject, error) { return s.ReadWithin(id, s.Limits) }

// ReadWithin is read under limits of the caller.
func (s *Store) ReadWithin(id object.Hash, limits object.Limits) (RawObject, error) {
	var last error
	// Again, because maintenance or stock git may have moved everything into a new
	// pack, even while we look.
	unchanged := 0

	for range lookups {
		before := s.state()
		last = nil
		if p, offset, ok := s.Find(id); ok {
			reader, err := p.Open()
			if err == nil {
				defer reader.Close()
				reader.limits = limits
				o, err := reader.Read(offset)
				if err != nil {
					return RawObject{}, fmt.Errorf("object %s: %w", id, err)
				}
				return o, Prove(id, o)
			}
			last = err
		}
		o, err := s.readLoose(id, limits)
		if err == nil {
			return o, Prove(id, o)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return RawObject{}, fmt.Errorf("object %s: %w", id, err)
		}
		if err := s.Rescan(); err != nil {
			return RawObject{}, err
		}
		// A directory that changes while it is listed may show neither the old nor the
		// new pack, so one look is not enough to say that nothing has changed.
		if last == nil && s.state() == before {
			unchanged++
		}
		if unchanged == 2 {
			break
		}
	}

	return RawObject{}, s.missing(id, last)
}

// missing says that an object is not there, and what may be the reason.
func (s *Store) missing(id object.Hash, cause error) error {
	err := errors.Join(fmt.Errorf("%w: %s", object.ErrObjectNotFound, id), cause)
	dir := filepath.Dir(s.Dirs[0])
	if _, statErr := os.Stat(filepath.Join(dir, ShallowFile)); statErr != nil {
		return err
	}
	return appbur.WithHint(fmt.Errorf("%w; this is a shallow clone, which lacks what lies beyond its oldest commits", err),
		"complete it: git -C "+dir+" fetch --unshallow")
}

// ShallowFile lists the commits at which a shallow clone ends.
const ShallowFile = "shallow"

// ReadAs is read for an object that must have a type.
func (s *Store) ReadAs(id object.Hash, kind plumbing.ObjectType) ([]byte, error) {
	o, err := s.Read(id)
	if err != nil {
		return nil, err
	}
	if o.Kind != kind {
		return nil, fmt.Errorf("object %s is a %s, want a %s", id, o.Kind, kind)
	}
	return o.Data, nil
}

// ReadTree returns the entries of a tree. The empty tree needs no object.
func (s *Store) ReadTree(id object.Hash) ([]object.TreeEntry, error) {
	if id == object.EmptyTree {
		return nil, nil
	}
	data, err := s.ReadAs(id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	entries, err := object.DecodeTree(data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}

// Prove compares an object with its name.
func Prove(id object.Hash, o RawObject) error {
	if got := object.HashOf(o.Kind, o.Data); got != id {
		return fmt.Errorf("%w: object %s has the bytes of %s", object.ErrCorrupt, id, got)
	}
	return nil
}

// Holds demands that an object is somewhere. It is read only if no pack has it.
func (s *Store) Holds(id object.Hash) error {
	if _, _, ok := s.Find(id); ok {
		return nil
	}
	_, err := s.ReadAs(id, plumbing.BlobObject)
	return err
}

// Tree returns the bytes of a tree. The empty tree needs no object.
func (s *Store) Tree(id object.Hash) ([]byte, error) {
	if id == object.EmptyTree {
		return nil, nil
	}
	return s.ReadAs(id, plumbing.TreeObject)
}
