package pack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// ErrDisk means that a received pack could not be written here, which is not the
// remote's fault.
var ErrDisk = errors.New("cannot write the received pack")

// ErrNotAPack means that something else than a pack is sent.
var ErrNotAPack = errors.New("no pack of version 2")

// Receiver takes a pack from a stream, writes it to disk as it comes, and makes
// its index. It keeps some hundred bytes for each object and no content.
type Receiver struct {
	dir     string
	tell    func(bytes int64)
	limits  object.Limits
	sum     []byte
	Objects []IndexEntry
	// Count is how many objects the pack claims to hold.
	Count uint32
	// Resolved is called with how many deltas of how many have their id, one call at a time; it
	// may be nil.
	Resolved func(deltas, total int)
	// Partial is a pack whose objects may name others that are nowhere.
	Partial bool
	// store holds what the pack may rely on; nil for a pack that stands alone.
	store *Store
	// toResolve is how many deltas there are.
	toResolve int

	// deltas wait for their bases: by offset, and by id where the base is named.
	byOffset map[int64][]int
	byID     map[object.Hash][]int

	mu sync.Mutex
	// done has true for what is there, false for what was only named by another.
	done map[object.Hash]bool
	// deltas counts those that have their id.
	deltas int
}

// NewReceiver takes a pack into a directory. tell is called with the bytes that have come.
func NewReceiver(dir string, tell func(int64)) *Receiver {
	return &Receiver{
		dir: dir, tell: tell, limits: object.DefaultLimits, byOffset: map[int64][]int{}, byID: map[object.Hash][]int{},
		done: map[object.Hash]bool{},
	}
}

// NewReceiver takes a pack into a directory outside of the store, where it may name objects that the store
// holds. No delta of it rests on them. tell is called with the bytes that have come.
func (s *Store) NewReceiver(dir string, tell func(int64)) *Receiver {
	x := NewReceiver(dir, tell)
	x.limits, x.store = s.Limits, s
	return x
}

// looseNames is how many objects without a pack a received one may name.
const looseNames = 1 << 16

// isHeld reports whether a pack of the store has an object. It is asked for each name in each tree, so it looks at no
// file.
func (x *Receiver) isHeld(id object.Hash) bool {
	if x.store == nil {
		return false
	}
	_, _, found := x.store.Find(id)
	return found
}

// Receive writes the pack to disk and hashes the objects that are stored in full in it.
func (x *Receiver) Receive(in io.Reader) error {
	return durable.Restage(filepath.Join(x.dir, UnfinishedPack), 0o444, func(file io.Writer) error {
		disk := bufio.NewWriterSize(file, 256<<10)
		sum := NewChecksum()
		s := &packStream{in: bufio.NewReaderSize(in, 64<<10), sum: sum, disk: disk, tell: x.tell}
		if err := x.readAll(s); err != nil {
			return err
		}
		if err := disk.Flush(); err != nil {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
		return nil
	})
}

func (x *Receiver) readAll(s *packStream) error {
	header := make([]byte, 12)
	if _, err := io.ReadFull(s.in, header); err != nil {
		return object.UnexpectedEOF(err)
	}
	if string(header[:4]) != "PACK" || binary.BigEndian.Uint32(header[4:]) != 2 {
		return ErrNotAPack
	}
	if err := s.keep(header); err != nil {
		return err
	}

	x.Count = binary.BigEndian.Uint32(header[8:])
	for range x.Count {
		if err := x.readOne(s); err != nil {
			return fmt.Errorf("the received pack: %w", object.UnexpectedEOF(err))
		}
	}

	trailer := make([]byte, HashSize)
	if _, err := io.ReadFull(s.in, trailer); err != nil {
		return object.UnexpectedEOF(err)
	}
	x.sum = s.sum.Sum(nil)
	if !bytes.Equal(trailer, x.sum) {
		return fmt.Errorf("%w: the received pack has not the checksum that it ends with", object.ErrCorrupt)
	}
	return s.keep(trailer)
}

// readOne takes one entry of the stream.
func (x *Receiver) readOne(s *packStream) error {
	at := s.offset
	entry, err := readPackEntry(s.in, at, x.limits)
	if err != nil {
		return err
	}

	// The header is written again: it has one form.
	header := EntryHeader(entry.kind, len(entry.data))
	switch entry.kind {
	case plumbing.OFSDeltaObject:
		header = appendBaseDistance(header, at-entry.base)
	case plumbing.REFDeltaObject:
		header = append(header, entry.baseID[:]...)
	}

	crc := crc32.Update(crc32.ChecksumIEEE(header), crc32.IEEETable, entry.packed)
	if err := s.keep(header); err != nil {
		return err
	}
	if err := s.keep(entry.packed); err != nil {
		return err
	}
	o := IndexEntry{CRC: crc, Offset: uint64(at)}

	switch entry.kind {
	case plumbing.OFSDeltaObject:
		x.toResolve++
		x.byOffset[entry.base] = append(x.byOffset[entry.base], len(x.Objects))
	case plumbing.REFDeltaObject:
		x.toResolve++
		x.byID[entry.baseID] = append(x.byID[entry.baseID], len(x.Objects))
	default:
		o.ID = object.HashOf(entry.kind, entry.data)
		if err := x.note(o.ID, RawObject{Kind: entry.kind, Data: entry.data}); err != nil {
			return err
		}
	}

	x.Objects = append(x.Objects, o)
	return nil
}

// note remembers that an object is there, and what it names.
func (x *Receiver) note(id object.Hash, o RawObject) error {
	names, err := namedBy(o)
	if err != nil {
		return fmt.Errorf("object %s: %w", id, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done[id] {
		return fmt.Errorf("%w: object %s is in the pack twice", object.ErrCorrupt, id)
	}
	x.done[id] = true

	for _, name := range names {
		if _, known := x.done[name]; !known && !x.isHeld(name) {
			x.done[name] = false
		}
		// Whatever is named must be in the pack, so more names than objects are never met:
		// a tree of made-up names takes more room here than in the pack.
		if room := int64(x.Count) + x.extraNames(); int64(len(x.done)) <= room {
			continue
		}
		return fmt.Errorf("%w: %s %s names objects that the pack of %d has no room for", object.ErrObjectNotFound, o.Kind, id, x.Count)
	}

	return nil
}

// extraNames is how many names there may be beside those of the objects of the pack.
func (x *Receiver) extraNames() int64 {
	if x.store == nil && !x.Partial {
		return 0
	}
	return looseNames
}

// namedBy returns the objects that one cannot be without.
func namedBy(o RawObject) ([]object.Hash, error) {
	switch o.Kind {
	case plumbing.TreeObject:
		entries, err := object.DecodeTree(o.Data)
		names := make([]object.Hash, 0, len(entries))
		for _, e := range entries {
			if e.Mode != filemode.Submodule && e.ID != object.EmptyTree {
				names = append(names, e.ID)
			}
		}
		return names, err

	case plumbing.CommitObject:
		c, err := object.ParseCommit(o.Data)
		if err != nil {
			return nil, err
		}

		names := make([]object.Hash, 0, 1+len(c.Parents))
		for _, id := range append(c.Parents, c.Tree) {
			if id != object.EmptyTree {
				names = append(names, id)
			}
		}

		return names, nil

	case plumbing.TagObject:
		tag, err := object.ParseTag(o.Data)
		if err != nil {
			return nil, err
		}
		return []object.Hash{tag.Commit}, nil
	default:
		return nil, nil
	}
}

// Finish applies the deltas, proves that nothing is missing, and puts pack and
// index in place.
func (x *Receiver) Finish(ctx context.Context, tips []object.Hash) error {
	path := filepath.Join(x.dir, UnfinishedPack)
	if err := x.resolveAll(ctx, path); err != nil {
		return err
	}

	for _, id := range tips {
		if !x.done[id] {
			return fmt.Errorf("%w: the remote did not send %s", object.ErrObjectNotFound, id)
		}
	}

	for id, there := range x.done {
		if there || x.Partial {
			continue
		}
		if x.store != nil {
			if _, err := x.store.Read(id); err == nil {
				continue // in a file of its own, which stock git makes
			}
		}
		return fmt.Errorf("%w: the remote's history names %s and the remote did not send it", object.ErrObjectNotFound, id)
	}

	x.done = nil
	data := EncodeIndex(x.Objects, x.sum)
	indexPath := filepath.Join(x.dir, unfinishedIndex)
	if err := durable.Restage(indexPath, 0o444, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}); err != nil {
		return err
	}

	name := "pack-" + hex.EncodeToString(x.sum)
	to := x.dir
	if x.store != nil {
		to = x.store.PackDir()
	}
	if err := os.Rename(path, filepath.Join(to, name+".pack")); err != nil {
		return err
	}
	if err := os.Rename(indexPath, filepath.Join(to, name+".idx")); err != nil {
		return err
	}
	return durable.SyncDir(to)
}

// resolveAll gives every delta its id. Trees of deltas are independent of one
// another, so each is walked by one of several workers; a worker holds the objects
// of one path from the root.
func (x *Receiver) resolveAll(ctx context.Context, path string) error {
	if len(x.byOffset)+len(x.byID) > 0 {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(runtime.GOMAXPROCS(0))
		roots := slices.Collect(x.roots())
		// Roots that are neighbours go to one worker, which reads ahead for them.
		for run := range slices.Chunk(roots, max(1, len(roots)/64)) {
			group.Go(func() error { return x.resolveRun(ctx, path, run) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	for _, o := range x.Objects {
		if o.ID.IsZero() {
			return fmt.Errorf("%w: the pack at %d: a delta without a base", object.ErrCorrupt, o.Offset)
		}
	}
	return nil
}

// roots yields the objects stored in full that deltas are based on.
func (x *Receiver) roots() func(func(int) bool) {
	return func(yield func(int) bool) {
		for i, o := range x.Objects {
			if o.ID.IsZero() {
				continue
			}
			if len(x.byOffset[int64(o.Offset)])+len(x.byID[o.ID]) > 0 && !yield(i) {
				return
			}
		}
	}
}

func (x *Receiver) resolveRun(ctx context.Context, path string, roots []int) error {
	reader, err := (&Pack{Path: path, Limits: x.limits}).Open()
	if err != nil {
		return err
	}
	defer reader.Close()
	for _, i := range roots {
		if err := ctx.Err(); err != nil {
			return err
		}
		entry, err := reader.readEntry(int64(x.Objects[i].Offset))
		if err != nil {
			return err
		}
		if err := x.resolve(reader, i, RawObject{Kind: entry.kind, Data: entry.data}); err != nil {
			return err
		}
	}
	return nil
}

// openBase is an object of a chain while what rests on it is resolved.
type openBase struct {
	data     []byte
	children []int
}

// resolve applies the deltas that rest on an object, and those on them. The last delta
// of a base releases it, so a long chain holds no more than a short one; what a bushy
// tree of deltas holds at once has a limit.
func (x *Receiver) resolve(reader *Reader, i int, root RawObject) error {
	open := []openBase{{root.Data, x.restingOn(i)}}
	held := int64(len(root.Data))
	for len(open) > 0 {
		base := &open[len(open)-1]
		if len(base.children) == 0 {
			open = open[:len(open)-1]
			continue
		}
		if err := x.limits.CheckDepth(len(open)); err != nil {
			return err
		}

		child := base.children[0]
		base.children = base.children[1:]
		data, err := x.apply(reader, child, root.Kind, base.data)
		if err != nil {
			return err
		}

		if len(base.children) == 0 {
			held -= int64(len(base.data))
			base.data = nil
		}
		if resting := x.restingOn(child); len(resting) > 0 {
			if held += int64(len(data)); held > 2*x.limits.Object {
				return object.TooLarge("bytes in one tree of deltas", 2*x.limits.Object, object.MaxObjectSize)
			}
			open = append(open, openBase{data, resting})
		}
	}
	return nil
}

// restingOn are the deltas whose base is an object, by place and by name.
func (x *Receiver) restingOn(i int) []int {
	o := x.Objects[i]
	return slices.Concat(x.byOffset[int64(o.Offset)], x.byID[o.ID])
}

// apply gives a delta its id, and returns the object that it makes.
func (x *Receiver) apply(reader *Reader, child int, kind plumbing.ObjectType, base []byte) ([]byte, error) {
	o := &x.Objects[child]
	entry, err := reader.readEntry(int64(o.Offset))
	if err != nil {
		return nil, err
	}
	if err := x.limits.CheckDelta(kind, entry.data); err != nil {
		return nil, err
	}

	data, err := packfile.PatchDelta(base, entry.data)
	if err != nil {
		return nil, reader.Damaged(int64(o.Offset), err)
	}
	o.ID = object.HashOf(kind, data)
	x.countDelta()
	return data, x.note(o.ID, RawObject{Kind: kind, Data: data})
}

func (x *Receiver) countDelta() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.deltas++
	if x.Resolved != nil {
		x.Resolved(x.deltas, x.toResolve)
	}
}

// packStream counts, hashes and writes what is taken from a pack.
type packStream struct {
	in     *bufio.Reader
	sum    hash.Hash
	disk   *bufio.Writer
	offset int64
	tell   func(bytes int64)
}

// keep writes bytes of the pack.
func (s *packStream) keep(b []byte) error {
	s.sum.Write(b)
	s.offset += int64(len(b))
	if _, err := s.disk.Write(b); err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	if s.tell != nil {
		s.tell(s.offset)
	}
	return nil
}
