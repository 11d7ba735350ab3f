package gitsync

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/go-git/go-git/v5/plumbing"
)

// repackSet is what a repack writes anew: every object of some packs and some
// loose objects, once.
type repackSet struct {
	sources []*repackSource
	entries []repackEntry
	byID    map[Hash]int32
	// progress is told how many entries of how many are written; it may be nil.
	progress       func(done, total int)
	written, total int
}

// wrote counts an entry that is written.
func (s *repackSet) wrote() {
	s.written++
	if s.progress != nil {
		s.progress(s.written, s.total)
	}
}

// repackSource is a pack that is read.
type repackSource struct {
	pack   *pack.Pack
	reader *pack.Reader
	// searched means that deltas were looked for when the pack was written.
	searched bool
	// age is when the pack was last said to be in use, and before that of cruft,
	// the time of each object by its place in the index.
	age    time.Time
	mtimes []uint32
	// reading is held by who uses the reader.
	reading sync.Mutex
}

// destination is where an entry goes.
type destination uint8

const (
	toPack  destination = iota // what stays
	toCruft                    // what nothing refers to, until it is old enough
	toNowhere
	toStay // a file of its own that is larger than the limits allow to read
)

// repackEntry is one object of a repack. Entries refer to each other by position;
// none is -1.
type repackEntry struct {
	id     Hash
	source int32  // -1 for a loose object
	base   int32  // whose change it is stored as
	crc    uint32 // of the packed form
	offset int64
	length int64 // of the packed form
	size   int64 // of the object, if it is stored whole
	kind   plumbing.ObjectType
	to     destination
	time   uint32 // when it was last in use

	// What names.go finds out: hashes of the path and the order of appearance.
	name  uint32
	path  uint64
	order uint32

	// depth is the number of changes to the object that is stored whole, below the
	// longest such chain that hangs on this entry.
	depth, below uint16
	child        int32 // the first entry that is stored as a change of this one
	sibling      int32 // the next one with the same base
	written      uint64
}

const none = -1

// maxReusedDepth bounds the chains of changes that are taken over.
const maxReusedDepth = 250

// openRepackSet reads what packs and loose objects there are. Objects that lie in
// several packs are taken from the one with most objects; since a change lies in
// the pack of its base, that cannot tie chains into a loop.
func openRepackSet(packs []*pack.Pack, loose []pack.Loose) (_ *repackSet, err error) {
	s := &repackSet{byID: map[Hash]int32{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	packs = slices.Clone(packs)
	slices.SortStableFunc(packs, func(a, b *pack.Pack) int {
		return cmp.Or(compareBool(a.Cruft, b.Cruft), cmp.Compare(b.Index.Count, a.Index.Count))
	})

	for _, p := range packs {
		if err := s.addPack(p); err != nil {
			return nil, err
		}
	}

	for _, o := range loose {
		if at, known := s.byID[o.ID]; known {
			s.entries[at].time = max(s.entries[at].time, uint32(o.Modified.Unix()))
			continue
		}
		s.byID[o.ID] = int32(len(s.entries))
		s.entries = append(s.entries, repackEntry{
			id: o.ID, kind: o.Kind, source: none, base: none, child: none, sibling: none,
			size: o.Size, length: o.Stored, time: uint32(o.Modified.Unix()),
		})
	}

	s.resolve()
	return s, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func (s *repackSet) close() {
	for _, source := range s.sources {
		source.reader.Close()
	}
}

// place is where an index says that an object begins.
type place struct {
	offset int64
	at     int // in the index
}

func (s *repackSet) addPack(p *pack.Pack) error {
	reader, err := p.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", pack.ErrVanished, err)
	}
	if err != nil {
		return err
	}
	source := &repackSource{pack: p, reader: reader, searched: p.Searched}
	s.sources = append(s.sources, source)
	info, err := reader.File.Stat()
	if err != nil {
		return fmt.Errorf("repack: %w", err)
	}
	source.age = info.ModTime()

	if p.Cruft {
		source.mtimes, err = pack.ReadMtimes(p)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", pack.ErrVanished, err)
		}
		if err != nil {
			return err
		}
	}

	places := make([]place, p.Index.Count)
	for i := range places {
		offset, ok := p.Index.Offset(i)
		if !ok {
			return fmt.Errorf("%w: index of %s", ErrCorrupt, p.Path)
		}
		places[i] = place{offset, i}
	}

	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.offset, b.offset) })
	end := info.Size() - int64(pack.HashSize)
	first := len(s.entries)
	bases := make([]Hash, 0, len(places))

	for i, pl := range places {
		id := p.Index.ID(pl.at)
		next := end
		if i+1 < len(places) {
			next = places[i+1].offset
		}
		used := uint32(source.age.Unix())
		if source.mtimes != nil {
			used = source.mtimes[pl.at]
		}
		if known, ok := s.byID[id]; ok {
			s.entries[known].time = max(s.entries[known].time, used)
			continue
		}
		e := repackEntry{
			id: id, source: int32(len(s.sources) - 1), base: none, child: none, sibling: none,
			crc: p.Index.CRC(pl.at), offset: pl.offset, length: next - pl.offset, time: used,
		}
		base, err := s.readHeader(source, &e, places)
		if err != nil {
			return reader.Damaged(pl.offset, err)
		}
		s.byID[id] = int32(len(s.entries))
		s.entries = append(s.entries, e)
		bases = append(bases, base)
	}

	for i, base := range bases {
		if base.IsZero() {
			continue
		}
		at, ok := s.byID[base]
		if !ok {
			return reader.Damaged(s.entries[first+i].offset, fmt.Errorf("delta base %s is not in the pack", base))
		}
		s.entries[first+i].base = at
	}

	return nil
}

// readHeader reads kind and size of an entry, and returns the id of its base.
func (s *repackSet) readHeader(source *repackSource, e *repackEntry, places []place) (base Hash, err error) {
	var buffer [40]byte
	n, err := source.reader.File.ReadAt(buffer[:], e.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return base, err
	}
	in := bytes.NewReader(buffer[:n])
	if e.kind, e.size, err = pack.ReadEntryHeader(in); err != nil {
		return base, err
	}

	switch e.kind {
	case plumbing.OFSDeltaObject:
		distance, err := pack.ReadBaseDistance(in)
		if err != nil {
			return base, err
		}
		at, found := slices.BinarySearchFunc(places, e.offset-distance, func(p place, offset int64) int { return cmp.Compare(p.offset, offset) })
		if !found {
			return base, errors.New("delta without a base")
		}
		return source.pack.Index.ID(places[at].at), nil
	case plumbing.REFDeltaObject:
		_, err = io.ReadFull(in, base[:])
	}

	return base, err
}

// resolve gives changes the kind of the object that they come from in the end.
func (s *repackSet) resolve() {
	var chain []int32
	for i := range s.entries {
		at := int32(i)
		for s.entries[at].kind.IsDelta() && int64(len(chain)) <= object.DefaultLimits.Depth {
			chain = append(chain, at)
			at = s.entries[at].base
		}
		for _, link := range chain {
			s.entries[link].kind = s.entries[at].kind
		}
		chain = chain[:0]
	}
}

// link decides which changes are taken over as they are: those whose base goes
// the same way, in chains that are not too long. All others are stored whole.
func (s *repackSet) link() {
	for i := range s.entries {
		e := &s.entries[i]
		e.depth, e.below, e.child, e.sibling = 0, 0, none, none
	}

	linked := make([]bool, len(s.entries))
	var chain []int32
	for i := range s.entries {
		at := int32(i)
		for !linked[at] {
			linked[at] = true
			chain = append(chain, at)
			if s.entries[at].base == none {
				break
			}
			at = s.entries[at].base
		}
		for _, link := range slices.Backward(chain) {
			e := &s.entries[link]
			if e.base == none {
				continue
			}
			base := &s.entries[e.base]
			if base.to != e.to || base.depth >= maxReusedDepth {
				e.base = none
				e.size = 0 // not known: it was stored as a change
				continue
			}
			e.depth = base.depth + 1
			e.sibling, base.child = base.child, link
		}
		chain = chain[:0]
	}

	for i := range s.entries {
		root := int32(i)
		for s.entries[root].base != none {
			root = s.entries[root].base
		}
		s.entries[root].below = max(s.entries[root].below, s.entries[i].depth)
	}
}

// packed returns the bytes of an entry as they lie in its pack, proven by their
// checksum.
func (s *repackSet) packed(e *repackEntry, buffer []byte) ([]byte, error) {
	source := s.sources[e.source]
	buffer = slices.Grow(buffer[:0], int(e.length))[:e.length]
	if _, err := source.reader.File.ReadAt(buffer, e.offset); err != nil {
		return nil, fmt.Errorf("read %s: %w", source.pack.Path, err)
	}
	if source.pack.Index.NoCRC {
		return buffer, s.proveUnpacked(source, e)
	}
	if crc32.ChecksumIEEE(buffer) != e.crc {
		return nil, source.reader.Damaged(e.offset, fmt.Errorf("object %s has not the checksum of the index", e.id))
	}
	return buffer, nil
}

// proveUnpacked proves an entry whose index knows no checksum of its packed form.
func (s *repackSet) proveUnpacked(source *repackSource, e *repackEntry) error {
	source.reading.Lock()
	defer source.reading.Unlock()
	o, err := source.reader.Read(e.offset)
	if err != nil {
		return fmt.Errorf("object %s: %w", e.id, err)
	}
	return pack.Prove(e.id, o)
}

// leaveTooLarge lets objects stay as they are whose files are larger than what may be
// read, unless they are dropped. It returns the others.
func (s *repackSet) leaveTooLarge(loose []pack.Loose, limits object.Limits) []pack.Loose {
	return slices.DeleteFunc(slices.Clone(loose), func(o pack.Loose) bool {
		at, known := s.byID[o.ID]
		if !known || s.entries[at].source != none || s.entries[at].to == toNowhere || limits.CheckObject(o.Kind, o.Size) == nil {
			return false
		}
		s.entries[at].to = toStay
		return true
	})
}

// read returns the object of an entry, whatever it is stored as.
func (s *repackSet) read(objects *pack.Store, e *repackEntry) (pack.RawObject, error) {
	if e.source == none {
		// Through the store, because git may have packed it meanwhile.
		return objects.Read(e.id)
	}
	source := s.sources[e.source]
	source.reading.Lock()
	o, err := source.reader.Read(e.offset)
	source.reading.Unlock()
	if err != nil {
		return pack.RawObject{}, fmt.Errorf("object %s: %w", e.id, err)
	}
	return o, pack.Prove(e.id, o)
}
