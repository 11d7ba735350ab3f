package gitsync

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
)

// objectStore reads the objects of a repository: packs first, newest first, then
// loose objects, then those of its alternates. It is safe for concurrent use;
// go-git's own storage is not, not even for reading, which is why this exists.
// Packs that appear or vanish while it is open are noticed when an object is
// missing, so stock git may repack at any time.
type objectStore struct {
	dirs []string // "objects" directories, our own first

	mu    sync.RWMutex
	packs []*pack
}

// openObjectStore finds the packs below objects and its alternates.
func openObjectStore(objects string) (*objectStore, error) {
	s := &objectStore{dirs: []string{objects}}
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
	for _, dir := range s.dirs {
		entries, err := os.ReadDir(filepath.Join(dir, "pack"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("list packs: %w", err)
		}
		for _, entry := range entries {
			base, isIndex := strings.CutSuffix(entry.Name(), ".idx")
			if !isIndex || !strings.HasPrefix(base, "pack-") {
				continue
			}
			path := filepath.Join(dir, "pack", base+".pack")
			if p, ok := known[path]; ok {
				packs = append(packs, p)
				continue
			}
			data, err := os.ReadFile(filepath.Join(dir, "pack", entry.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue // repacked between listing and reading
			}
			if err != nil {
				return fmt.Errorf("read pack index: %w", err)
			}
			index, err := parsePackIndex(data)
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(dir, "pack", entry.Name()), err)
			}
			packs = append(packs, &pack{path: path, index: index})
		}
	}
	s.packs = packs
	return nil
}

// add makes a pack known that was written just now, which is cheaper than
// looking through a directory of thousands.
func (s *objectStore) add(p *pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.packs, func(known *pack) bool { return known.path == p.path }) {
		s.packs = append(s.packs, p)
	}
}

// find returns the pack that holds an object.
func (s *objectStore) find(id objectID) (*pack, int64, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range slices.Backward(s.packs) {
		if offset, ok := p.index.find(id); ok {
			return p, offset, true
		}
	}
	return nil, 0, false
}

// read returns an object and proves that it is the one asked for.
func (s *objectStore) read(id objectID) (rawObject, error) {
	var last error
	// Twice, because stock git may have moved everything into a new pack.
	for range 2 {
		if p, offset, ok := s.find(id); ok {
			reader, err := p.open()
			if err == nil {
				defer reader.close()
				o, err := reader.read(offset)
				if err != nil {
					return rawObject{}, fmt.Errorf("object %s: %w", id, err)
				}
				return o, prove(id, o)
			}
			last = err
		}
		o, err := s.readLoose(id)
		if err == nil {
			return o, prove(id, o)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return rawObject{}, fmt.Errorf("object %s: %w", id, err)
		}
		if err := s.rescan(); err != nil {
			return rawObject{}, err
		}
	}
	return rawObject{}, errors.Join(fmt.Errorf("%w: %s", ErrObjectNotFound, id), last)
}

// readAs is read for an object that must have a type.
func (s *objectStore) readAs(id objectID, kind plumbing.ObjectType) ([]byte, error) {
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
func (s *objectStore) readTree(id objectID) ([]treeEntry, error) {
	if id == emptyTree {
		return nil, nil
	}
	data, err := s.readAs(id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	entries, err := decodeTree(data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}

// emptyTree is the tree without entries, which git knows by heart.
var emptyTree = plumbing.ComputeHash(plumbing.TreeObject, nil)

// readLoose reads an object that has a file of its own. Stock git writes them;
// this package does not.
func (s *objectStore) readLoose(id objectID) (rawObject, error) {
	name := id.String()
	for _, dir := range s.dirs {
		file, err := os.Open(filepath.Join(dir, name[:2], name[2:]))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return rawObject{}, err
		}
		o, err := readObjectFile(file)
		_ = file.Close()
		return o, err
	}
	return rawObject{}, fs.ErrNotExist
}

func readObjectFile(in io.Reader) (rawObject, error) {
	r, err := objfile.NewReader(in)
	if err != nil {
		return rawObject{}, fmt.Errorf("%w: loose object: %w", ErrCorrupt, err)
	}
	defer func() { _ = r.Close() }()
	kind, size, err := r.Header()
	if err != nil {
		return rawObject{}, fmt.Errorf("%w: loose object: %w", ErrCorrupt, err)
	}
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return rawObject{}, fmt.Errorf("%w: loose object: %w", ErrCorrupt, err)
	}
	if int64(len(data)) != size {
		return rawObject{}, fmt.Errorf("%w: loose object has not the %d bytes that its header says", ErrCorrupt, size)
	}
	return rawObject{kind: kind, data: data}, nil
}

// prove compares an object with its name.
func prove(id objectID, o rawObject) error {
	if got := plumbing.ComputeHash(o.kind, o.data); got != id {
		return fmt.Errorf("%w: object %s has the bytes of %s", ErrCorrupt, id, got)
	}
	return nil
}
