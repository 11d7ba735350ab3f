package gitsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Snapshot is the tree of one commit, for reading. It never changes and is safe
// for concurrent use. It remembers the trees it has read.
type Snapshot struct {
	objects *pack.Store
	root    Hash
	trees   sync.Map // Hash → []TreeEntry
}

// Snapshot returns the tree of a commit.
func (r *Repository) Snapshot(commit Hash) (*Snapshot, error) {
	c, err := r.ReadCommit(commit)
	if err != nil {
		return nil, err
	}
	return &Snapshot{objects: r.objects, root: c.Tree}, nil
}

func (s *Snapshot) tree(id Hash) ([]object.TreeEntry, error) {
	if entries, ok := s.trees.Load(id); ok {
		return entries.([]object.TreeEntry), nil
	}
	entries, err := s.objects.ReadTree(id)
	if err == nil {
		s.trees.Store(id, entries)
	}
	return entries, err
}

// lookup returns the entry at a path; the empty path is the root.
func (s *Snapshot) lookup(path string) (object.TreeEntry, error) {
	at := object.TreeEntry{Mode: filemode.Dir, ID: s.root}
	if path == "" {
		return at, nil
	}

	for name := range strings.SplitSeq(path, "/") {
		if !at.IsDir() {
			return object.TreeEntry{}, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		entries, err := s.tree(at.ID)
		if err != nil {
			return object.TreeEntry{}, fmt.Errorf("%s: %w", path, err)
		}
		i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == name })
		if i < 0 {
			return object.TreeEntry{}, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		at = entries[i]
	}

	return at, nil
}

// ReadFile returns the content of a file. The error wraps [fs.ErrNotExist] if
// there is no file at the path.
func (s *Snapshot) ReadFile(path string) ([]byte, error) {
	e, err := s.lookup(path)
	if err != nil {
		return nil, err
	}
	if !e.IsFile() {
		return nil, fmt.Errorf("%s is no file: %w", path, fs.ErrNotExist)
	}
	data, err := s.objects.ReadAs(e.ID, plumbing.BlobObject)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// ReadDescription is ReadFile for a file that says what a commit holds, and is read for
// every one in a list and before anybody is trusted. It has a limit of its own, and one
// that claims to be larger is [ErrTooLarge] and not read.
func (s *Snapshot) ReadDescription(path string) ([]byte, error) {
	e, err := s.lookup(path)
	if err != nil {
		return nil, err
	}
	if !e.IsFile() {
		return nil, fmt.Errorf("%s is no file: %w", path, fs.ErrNotExist)
	}
	o, err := s.objects.ReadWithin(e.ID, s.objects.Limits.Describing())
	if err == nil && o.Kind != plumbing.BlobObject {
		err = fmt.Errorf("%w: object %s is a %s", ErrCorrupt, e.ID, o.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o.Data, nil
}

// Blob returns the content of a blob that Walk or Diff named.
func (s *Snapshot) Blob(h Hash) ([]byte, error) {
	return s.objects.ReadAs(h, plumbing.BlobObject)
}

// Walk calls fn for every file at or below a path, in path order; the empty path
// is everything. A path without anything is no error. Symbolic links and
// submodules, which this package never writes, are passed over.
func (s *Snapshot) Walk(path string, fn func(path string, blob Hash) error) error {
	files, err := s.files(path)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := fn(f.path, f.id); err != nil {
			return err
		}
	}
	return nil
}

// storedFile is a file of a snapshot, and where its bytes lie.
type storedFile struct {
	path   string
	id     Hash
	pack   *pack.Pack
	offset int64
}

// files returns the files at or below a path, in path order.
func (s *Snapshot) files(path string) ([]storedFile, error) {
	start, err := s.lookup(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	var files []storedFile
	seen := object.Expansion{Limits: s.objects.Limits}
	var visit func(string, object.TreeEntry) error
	visit = func(path string, e object.TreeEntry) error {
		if err := seen.Add(path); err != nil {
			return err
		}
		if e.IsFile() {
			files = append(files, storedFile{path: path, id: e.ID})
			return nil
		}
		if !e.IsDir() {
			return nil
		}
		entries, err := s.tree(e.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}

		for _, child := range entries {
			below := child.Name
			if path != "" {
				below = path + "/" + child.Name
			}
			if err := visit(below, child); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(path, start); err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b storedFile) int { return strings.Compare(a.path, b.path) })
	return files, nil
}

// ReadAll reads every file at or below a path and calls emit for each, from
// several goroutines at once and in no particular order. Files are read in the
// order they lie in their packs, which is far faster than one by one. The first
// error, of reading or of emit, ends the reading and is returned.
func (s *Snapshot) ReadAll(ctx context.Context, path string, emit func(path string, data []byte) error) error {
	files, err := s.files(path)
	if err != nil {
		return err
	}
	for i := range files {
		files[i].pack, files[i].offset, _ = s.objects.Find(files[i].id)
	}
	slices.SortStableFunc(files, func(a, b storedFile) int {
		return cmp.Or(strings.Compare(pack.PathOf(a.pack), pack.PathOf(b.pack)), cmp.Compare(a.offset, b.offset))
	})
	group, ctx := errgroup.WithContext(ctx)
	// Each worker gets a run of neighbours, so that delta bases are read once.
	workers := runtime.GOMAXPROCS(0)
	var total atomic.Int64
	for run := range slices.Chunk(files, max(1, (len(files)+workers-1)/workers)) {
		group.Go(func() error { return s.readRun(ctx, run, &total, emit) })
	}
	return group.Wait()
}

// readRun reads files that are sorted by pack and offset.
func (s *Snapshot) readRun(ctx context.Context, files []storedFile, total *atomic.Int64, emit func(string, []byte) error) error {
	var reader *pack.Reader
	defer func() {
		if reader != nil {
			reader.Close()
		}
	}()
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.pack != nil && (reader == nil || reader.Pack != f.pack) {
			if reader != nil {
				reader.Close()
			}
			// A pack that vanished is no error: read finds its successor.
			reader, _ = f.pack.Open()
		}
		data, err := s.readStored(reader, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}

		// One file may be in many places.
		if err := s.objects.Limits.CheckTotal(total.Add(int64(len(data)))); err != nil {
			return err
		}
		if err := emit(f.path, data); err != nil {
			return err
		}
	}
	return nil
}

// readStored reads one file, through the open pack if that is where it is.
func (s *Snapshot) readStored(reader *pack.Reader, f storedFile) ([]byte, error) {
	if f.pack == nil || reader == nil || reader.Pack != f.pack {
		return s.objects.ReadAs(f.id, plumbing.BlobObject)
	}
	o, err := reader.Read(f.offset)
	if err != nil {
		return nil, err
	}
	if o.Kind != plumbing.BlobObject {
		return nil, fmt.Errorf("%w: object %s is a %s", ErrCorrupt, f.id, o.Kind)
	}
	return o.Data, pack.Prove(f.id, o)
}
