package gitsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
)

// objectStore reads the objects of a repository: packs first, newest first, then
// loose objects, then those of its alternates. It is safe for concurrent use;
// go-git's own storage is not, not even for reading, which is why this exists.
// Packs that appear or vanish while it is open are noticed when an object is
// missing, so stock git may repack at any time.
type objectStore struct {
	dirs   []string // "objects" directories, our own first
	limits object.Limits

	mu    sync.RWMutex
	packs []*pack
	// large are the packs that are searched one by one. The objects of all the
	// small ones are in one table, so that thousands of them cost no more.
	large []*pack
	small map[Hash]packPlace
	// changes counts how often the packs have changed.
	changes int
}

// packPlace is where an object lies.
type packPlace struct {
	pack   *pack
	offset int64
}

// smallPack is how many objects a pack has at most that goes into the table.
const smallPack = 2048

// openObjectStore finds the packs below objects and its alternates.
func openObjectStore(objects string, limits object.Limits) (*objectStore, error) {
	s := &objectStore{dirs: []string{objects}, limits: limits, small: map[Hash]packPlace{}}
	// The list grows while it is walked: alternates may have alternates.
	for i := 0; i < len(s.dirs); i++ {
		list, err := os.ReadFile(filepath.Join(s.dirs[i], "info", "alternates"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read alternates: %w", err)
		}
		for line := range strings.Lines(string(list)) {
			dir := strings.TrimRight(line, "\r\n")
			if dir == "" || strings.HasPrefix(dir, "#") {
				continue
			}
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(s.dirs[i], dir)
			}
			if !slices.Contains(s.dirs, filepath.Clean(dir)) {
				s.dirs = append(s.dirs, filepath.Clean(dir))
			}
		}
	}

	return s, s.rescan()
}

// packDir is where new packs go.
func (s *objectStore) packDir() string { return filepath.Join(s.dirs[0], "pack") }

// rescan reads the directories of packs again. Indexes already loaded are kept.
func (s *objectStore) rescan() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := make(map[string]*pack, len(s.packs))
	for _, p := range s.packs {
		known[p.path] = p
	}
	var packs []*pack
	changed := false

	for _, dir := range s.dirs {
		found, err := listPacks(dir)
		if err != nil {
			return err
		}
		for _, files := range found {
			// An index whose pack is gone is a promise that nobody keeps.
			if !files.has(packEnding) {
				continue
			}
			p, ok := known[files.path(packEnding)]
			if ok && p.cruft == files.has(mtimesEnding) {
				p.kept.Store(files.has(keepEnding))
				packs = append(packs, p)
				continue
			}
			p, err := readPack(files, s.limits)
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
func readPack(files packFiles, limits object.Limits) (*pack, error) {
	data, err := os.ReadFile(files.path(indexEnding))
	if err != nil {
		return nil, fmt.Errorf("read pack index: %w", err)
	}
	index, err := parsePackIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", files.path(indexEnding), err)
	}
	p := &pack{path: files.path(packEnding), index: index, limits: limits, cruft: files.has(mtimesEnding), searched: files.has(revEnding)}
	p.kept.Store(files.has(keepEnding))
	return p, nil
}

// setPacks replaces the packs. The caller holds the lock.
func (s *objectStore) setPacks(packs []*pack) {
	s.packs, s.large, s.small = packs, nil, map[Hash]packPlace{}
	s.changes++
	for _, p := range packs {
		s.enter(p)
	}
}

// enter makes a pack found. The caller holds the lock.
func (s *objectStore) enter(p *pack) {
	if p.index.count > smallPack {
		s.large = append(s.large, p)
		return
	}
	for i := range p.index.count {
		if offset, ok := p.index.offset(i); ok {
			id := p.index.id(i)
			// Content that may be pruned stands back behind content that will stay.
			if known, again := s.small[id]; !again || known.pack.cruft {
				s.small[id] = packPlace{p, offset}
			}
		}
	}
}

// add makes a pack known that was written just now, which is cheaper than
// looking through a directory of thousands.
func (s *objectStore) add(p *pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.limits = s.limits // also of one that is known: it may replace what is
	if !slices.ContainsFunc(s.packs, func(known *pack) bool { return known.path == p.path }) {
		s.packs = append(s.packs, p)
		s.enter(p)
		s.changes++
	}
}

// replace makes a pack known instead of others that are about to vanish.
func (s *objectStore) replace(gone []*pack, by ...*pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	packs := slices.DeleteFunc(slices.Clone(s.packs), func(p *pack) bool {
		return slices.ContainsFunc(gone, func(other *pack) bool { return other.path == p.path }) ||
			slices.ContainsFunc(by, func(other *pack) bool { return other.path == p.path })
	})
	s.setPacks(append(packs, by...))
}

// own returns the packs of the repository itself.
func (s *objectStore) own() []*pack {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(s.packs), func(p *pack) bool { return !s.isOwn(p) })
}

// isOwn reports whether a pack belongs to the repository and not to an alternate.
func (s *objectStore) isOwn(p *pack) bool { return filepath.Dir(p.path) == s.packDir() }

// find returns the pack that holds an object.
func (s *objectStore) find(id Hash) (*pack, int64, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if place, ok := s.small[id]; ok && !place.pack.cruft {
		return place.pack, place.offset, true
	}
	for _, p := range slices.Backward(s.large) {
		if offset, ok := p.index.find(id); ok {
			return p, offset, true
		}
	}
	place, ok := s.small[id]
	return place.pack, place.offset, ok
}

// demand makes sure that packs hold objects which a commit will not bring, and
// makes those packs young, so that no prune takes the objects away.
func (s *objectStore) demand(ids []Hash) error {
	fresh := map[*pack]bool{}
	for _, id := range ids {
		found := false
		for range lookups {
			p, _, ok := s.find(id)
			if ok && !fresh[p] {
				fresh[p] = freshen(p) == nil
			}
			if found = ok && fresh[p]; found {
				break
			}
			if err := s.rescan(); err != nil {
				return err
			}
		}
		if !found {
			return appbur.WithHint(fmt.Errorf("%w: %s was pruned while it was about to be used again", ErrObjectNotFound, id), "begin a new edit")
		}
	}

	return nil
}

// state is another number whenever the packs are others.
func (s *objectStore) state() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changes
}

// lookups is how often an object is looked for when packs come and go.
const lookups = 10

// read returns an object and proves that it is the one asked for.
func (s *objectStore) read(id Hash) (rawObject, error) { return s.readWithin(id, s.limits) }

// readWithin is read under limits of the caller.
func (s *objectStore) readWithin(id Hash, limits object.Limits) (rawObject, error) {
	var last error
	// Again, because maintenance or stock git may have moved everything into a new
	// pack, even while we look.
	unchanged := 0

	for range lookups {
		before := s.state()
		last = nil
		if p, offset, ok := s.find(id); ok {
			reader, err := p.open()
			if err == nil {
				defer reader.close()
				reader.limits = limits
				o, err := reader.read(offset)
				if err != nil {
					return rawObject{}, fmt.Errorf("object %s: %w", id, err)
				}
				return o, prove(id, o)
			}
			last = err
		}
		o, err := s.readLoose(id, limits)
		if err == nil {
			return o, prove(id, o)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return rawObject{}, fmt.Errorf("object %s: %w", id, err)
		}
		if err := s.rescan(); err != nil {
			return rawObject{}, err
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

	return rawObject{}, s.missing(id, last)
}

// missing says that an object is not there, and what may be the reason.
func (s *objectStore) missing(id Hash, cause error) error {
	err := errors.Join(fmt.Errorf("%w: %s", ErrObjectNotFound, id), cause)
	dir := filepath.Dir(s.dirs[0])
	if _, statErr := os.Stat(filepath.Join(dir, shallowFile)); statErr != nil {
		return err
	}
	return appbur.WithHint(fmt.Errorf("%w; this is a shallow clone, which lacks what lies beyond its oldest commits", err),
		"complete it: git -C "+dir+" fetch --unshallow")
}

// shallowFile lists the commits at which a shallow clone ends.
const shallowFile = "shallow"

// readAs is read for an object that must have a type.
func (s *objectStore) readAs(id Hash, kind plumbing.ObjectType) ([]byte, error) {
	o, err := s.read(id)
	if err != nil {
		return nil, err
	}
	if o.kind != kind {
		return nil, fmt.Errorf("object %s is a %s, want a %s", id, o.kind, kind)
	}
	return o.data, nil
}

// readTree returns the entries of a tree. The empty tree needs no object.
func (s *objectStore) readTree(id Hash) ([]object.TreeEntry, error) {
	if id == object.EmptyTree {
		return nil, nil
	}
	data, err := s.readAs(id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	entries, err := object.DecodeTree(data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}

// prove compares an object with its name.
func prove(id Hash, o rawObject) error {
	if got := object.HashOf(o.kind, o.data); got != id {
		return fmt.Errorf("%w: object %s has the bytes of %s", ErrCorrupt, id, got)
	}
	return nil
}

// holds demands that an object is somewhere. It is read only if no pack has it.
func (s *objectStore) holds(id Hash) error {
	if _, _, ok := s.find(id); ok {
		return nil
	}
	_, err := s.readAs(id, plumbing.BlobObject)
	return err
}

// tree returns the bytes of a tree. The empty tree needs no object.
func (s *objectStore) tree(id Hash) ([]byte, error) {
	if id == object.EmptyTree {
		return nil, nil
	}
	return s.readAs(id, plumbing.TreeObject)
}
