package pack

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

const (
	// baseCacheSize bounds what a reader keeps of delta bases.
	baseCacheSize = 32 << 20
	// trustedSize is how much memory the size in an entry's header may claim
	// before the bytes prove it.
	trustedSize = 1 << 20
)

// RawObject is an object as it was stored.
type RawObject struct {
	Kind plumbing.ObjectType
	Data []byte
}

// Pack is one pack with its index.
type Pack struct {
	Path   string
	Index  *Index
	Limits object.Limits
	// size of the pack in bytes, zero if it was not asked for yet.
	size atomic.Int64
	// Cruft means that the objects are waiting to be pruned.
	Cruft bool
	// Searched means that a repack has looked for deltas when it wrote the pack:
	// packs of commits have no file of reverse order beside them.
	Searched bool
	// Kept means that somebody asked git never to repack it.
	Kept atomic.Bool
}

// Reader reads objects of one pack. It holds the file open, remembers delta
// bases, and serves one goroutine.
type Reader struct {
	Pack   *Pack
	limits object.Limits
	File   *os.File
	in     *bufio.Reader
	bases  map[int64]RawObject
	cached int
}

// Open opens the file of the pack for reading.
func (p *Pack) Open() (*Reader, error) {
	file, err := os.Open(p.Path)
	if err != nil {
		return nil, fmt.Errorf("open pack: %w", err)
	}
	return &Reader{Pack: p, limits: p.Limits, File: file, in: bufio.NewReaderSize(nil, 4<<10), bases: map[int64]RawObject{}}, nil
}

// Close closes the file.
func (r *Reader) Close() { _ = r.File.Close() }

// Read returns the object at an offset, its deltas applied.
func (r *Reader) Read(offset int64) (RawObject, error) {
	return r.readDepth(offset, 0, 0)
}

// readDepth reads an entry below changes of so many bytes, which are held meanwhile.
func (r *Reader) readDepth(offset int64, depth int, held int64) (RawObject, error) {
	if o, ok := r.bases[offset]; ok {
		return o, nil
	}

	// A damaged pack might also tie a chain into a loop.
	if err := r.limits.CheckDepth(depth); err != nil {
		return RawObject{}, fmt.Errorf("%s at %d: %w", r.Pack.Path, offset, err)
	}
	r.in.Reset(io.NewSectionReader(r.File, offset, 1<<62))
	kind, size, err := ReadEntryHeader(r.in)
	if err != nil {
		return RawObject{}, r.Damaged(offset, err)
	}
	if err := r.limits.CheckObject(kind, size+held); err != nil {
		return RawObject{}, fmt.Errorf("%s at %d: %w", r.Pack.Path, offset, err)
	}
	base := int64(-1)

	switch kind {
	case plumbing.OFSDeltaObject:
		distance, err := ReadBaseDistance(r.in)
		if err != nil || distance <= 0 || distance >= offset {
			return RawObject{}, r.Damaged(offset, errors.Join(errors.New("delta without a base"), err))
		}
		base = offset - distance
	case plumbing.REFDeltaObject:
		var id object.Hash
		if _, err := io.ReadFull(r.in, id[:]); err != nil {
			return RawObject{}, r.Damaged(offset, err)
		}
		found := false
		if base, found = r.Pack.Index.find(id); !found {
			return RawObject{}, r.Damaged(offset, fmt.Errorf("delta base %s is not in the pack", id))
		}
	}

	data, err := Inflate(r.in, size)
	if err != nil {
		return RawObject{}, r.Damaged(offset, err)
	}
	if base < 0 {
		return RawObject{Kind: kind, Data: data}, nil
	}

	// What kind it makes is known from its last base only.
	if err := r.limits.CheckDelta(plumbing.BlobObject, data); err != nil {
		return RawObject{}, fmt.Errorf("%s at %d: %w", r.Pack.Path, offset, err)
	}
	from, err := r.readDepth(base, depth+1, held+size)
	if err != nil {
		return RawObject{}, err
	}

	if err := r.limits.CheckDelta(from.Kind, data); err != nil {
		return RawObject{}, fmt.Errorf("%s at %d: %w", r.Pack.Path, offset, err)
	}
	r.remember(base, from)
	patched, err := packfile.PatchDelta(from.Data, data)
	if err != nil {
		return RawObject{}, r.Damaged(offset, err)
	}
	return RawObject{Kind: from.Kind, Data: patched}, nil
}

// remember keeps a delta base: the objects that follow in the pack often share it.
func (r *Reader) remember(offset int64, o RawObject) {
	if _, ok := r.bases[offset]; ok || len(o.Data) > baseCacheSize/4 {
		return
	}
	if r.cached += len(o.Data); r.cached > baseCacheSize {
		clear(r.bases)
		r.cached = len(o.Data)
	}
	r.bases[offset] = o
}

// Damaged says where a pack is not what it must be.
func (r *Reader) Damaged(offset int64, err error) error {
	return fmt.Errorf("%w: %s at %d: %w", object.ErrCorrupt, r.Pack.Path, offset, err)
}

// ReadEntryHeader reads what EntryHeader writes.
func ReadEntryHeader(in io.ByteReader) (plumbing.ObjectType, int64, error) {
	b, err := in.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	kind := plumbing.ObjectType(b >> 4 & 7)

	size := int64(b & 15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if shift > 53 {
			return 0, 0, errors.New("object size overflows")
		}
		if b, err = in.ReadByte(); err != nil {
			return 0, 0, err
		}
		size |= int64(b&0x7f) << shift
	}

	if !kind.Valid() {
		return 0, 0, fmt.Errorf("object type %d is unknown", kind)
	}
	return kind, size, nil
}

// ReadBaseDistance reads how far before a delta its base is.
func ReadBaseDistance(in io.ByteReader) (int64, error) {
	b, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	distance := int64(b & 0x7f)
	for b&0x80 != 0 {
		if distance > 1<<54 {
			return 0, errors.New("distance overflows")
		}
		if b, err = in.ReadByte(); err != nil {
			return 0, err
		}
		distance = (distance+1)<<7 | int64(b&0x7f)
	}
	return distance, nil
}

// inflaters keep the window of the decompressor.
var inflaters sync.Pool

// Inflate reads one zlib stream that holds size bytes.
func Inflate(in io.Reader, size int64) ([]byte, error) {
	reader, ok := inflaters.Get().(io.ReadCloser)
	if ok {
		if err := reader.(zlib.Resetter).Reset(in, nil); err != nil {
			return nil, err
		}
	} else {
		var err error
		if reader, err = zlib.NewReader(in); err != nil {
			return nil, err
		}
	}
	defer inflaters.Put(reader)
	var out bytes.Buffer

	// bytes.Buffer wants room to notice the end without growing.
	out.Grow(int(min(size, trustedSize)) + bytes.MinRead)
	n, err := out.ReadFrom(io.LimitReader(reader, size+1))
	if err != nil {
		return nil, err
	}
	if n != size {
		return nil, fmt.Errorf("object has %d bytes or more, its header says %d", n, size)
	}
	return out.Bytes(), nil
}
