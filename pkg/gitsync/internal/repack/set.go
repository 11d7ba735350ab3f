package repack

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

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Set is what a repack writes anew: every object of some packs and some
// loose objects, once.
type Set struct {
	Sources []*Source
	Entries []Entry
	ByID    map[object.Hash]int32
	// Progress is called with how many entries of how many are written; it may be nil.
	Progress       func(done, total int)
	written, Total int
}

// wrote counts an entry that is written.
func (s *Set) wrote() {
	s.written++
	if s.Progress != nil {
		s.Progress(s.written, s.Total)
	}
}

// Source is a pack that is read.
type Source struct {
	Pack   *pack.Pack
	reader *pack.Reader
	// searched means that deltas were looked for when the pack was written.
	searched bool
	// Age is when the pack was last said to be in use, and before that of cruft,
	// the time of each object by its place in the index.
	Age    time.Time
	mtimes []uint32
	// reading is held by who uses the reader.
	reading sync.Mutex
}

// destination is where an entry goes.
type destination uint8

// Where an entry can go.
const (
	ToPack  destination = iota // what stays
	ToCruft                    // what nothing refers to, until it is old enough
	ToNowhere
	toStay // a file of its own that is larger than the limits allow to read
)

// Entry is one object of a repack. Entries refer to each other by position;
// none is -1.
type Entry struct {
	ID     object.Hash
	source int32  // -1 for a loose object
	base   int32  // whose change it is stored as
	crc    uint32 // of the packed form
	offset int64
	length int64 // of the packed form
	size   int64 // of the object, if it is stored in full
	Kind   plumbing.ObjectType
	To     destination
	Time   uint32 // when it was last in use

	// What names.go finds out: hashes of the path and the order of appearance.
	name  uint32
	path  uint64
	order uint32

	// depth is the number of changes to the object that is stored in full, below the
	// longest such chain that hangs on this entry.
	depth, below uint16
	child        int32 // the first entry that is stored as a change of this one
	sibling      int32 // the next one with the same base
	written      uint64
}

const none = -1

// maxReusedDepth bounds the chains of changes that are taken over.
const maxReusedDepth = 250

// Open reads what packs and loose objects there are. Objects that lie in
// several packs are taken from the one with most objects; since a change is in
// the pack of its base, that cannot tie chains into a loop.
func Open(packs []*pack.Pack, loose []pack.Loose) (_ *Set, err error) {
	s := &Set{ByID: map[object.Hash]int32{}}
	defer func() {
		if err != nil {
			s.Close()
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
		if at, known := s.ByID[o.ID]; known {
			s.Entries[at].Time = max(s.Entries[at].Time, uint32(o.Modified.Unix()))
			continue
		}
		s.ByID[o.ID] = int32(len(s.Entries))
		s.Entries = append(s.Entries, Entry{
			ID: o.ID, Kind: o.Kind, source: none, base: none, child: none, sibling: none,
			size: o.Size, length: o.Stored, Time: uint32(o.Modified.Unix()),
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

// Close closes the packs.
func (s *Set) Close() {
	for _, source := range s.Sources {
		source.reader.Close()
	}
}

// place is where an index says that an object begins.
type place struct {
	offset int64
	at     int // in the index
}

func (s *Set) addPack(p *pack.Pack) error {
	reader, err := p.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", pack.ErrVanished, err)
	}
	if err != nil {
		return err
	}
	source := &Source{Pack: p, reader: reader, searched: p.Searched}
	s.Sources = append(s.Sources, source)
	info, err := reader.File.Stat()
	if err != nil {
		return fmt.Errorf("repack: %w", err)
	}
	source.Age = info.ModTime()

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
			return fmt.Errorf("%w: index of %s", object.ErrCorrupt, p.Path)
		}
		places[i] = place{offset, i}
	}

	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.offset, b.offset) })
	end := info.Size() - int64(pack.HashSize)
	first := len(s.Entries)
	bases := make([]object.Hash, 0, len(places))

	for i, pl := range places {
		id := p.Index.ID(pl.at)
		next := end
		if i+1 < len(places) {
			next = places[i+1].offset
		}
		used := uint32(source.Age.Unix())
		if source.mtimes != nil {
			used = source.mtimes[pl.at]
		}
		if known, ok := s.ByID[id]; ok {
			s.Entries[known].Time = max(s.Entries[known].Time, used)
			continue
		}
		e := Entry{
			ID: id, source: int32(len(s.Sources) - 1), base: none, child: none, sibling: none,
			crc: p.Index.CRC(pl.at), offset: pl.offset, length: next - pl.offset, Time: used,
		}
		base, err := s.readHeader(source, &e, places)
		if err != nil {
			return reader.Damaged(pl.offset, err)
		}
		s.ByID[id] = int32(len(s.Entries))
		s.Entries = append(s.Entries, e)
		bases = append(bases, base)
	}

	for i, base := range bases {
		if base.IsZero() {
			continue
		}
		at, ok := s.ByID[base]
		if !ok {
			return reader.Damaged(s.Entries[first+i].offset, fmt.Errorf("delta base %s is not in the pack", base))
		}
		s.Entries[first+i].base = at
	}

	return nil
}

// readHeader reads kind and size of an entry, and returns the id of its base.
func (s *Set) readHeader(source *Source, e *Entry, places []place) (base object.Hash, err error) {
	var buffer [40]byte
	n, err := source.reader.File.ReadAt(buffer[:], e.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return base, err
	}
	in := bytes.NewReader(buffer[:n])
	if e.Kind, e.size, err = pack.ReadEntryHeader(in); err != nil {
		return base, err
	}

	switch e.Kind {
	case plumbing.OFSDeltaObject:
		distance, err := pack.ReadBaseDistance(in)
		if err != nil {
			return base, err
		}
		at, found := slices.BinarySearchFunc(places, e.offset-distance, func(p place, offset int64) int { return cmp.Compare(p.offset, offset) })
		if !found {
			return base, errors.New("delta without a base")
		}
		return source.Pack.Index.ID(places[at].at), nil
	case plumbing.REFDeltaObject:
		_, err = io.ReadFull(in, base[:])
	}

	return base, err
}

// resolve gives changes the kind of the object that they come from in the end.
func (s *Set) resolve() {
	var chain []int32
	for i := range s.Entries {
		at := int32(i)
		for s.Entries[at].Kind.IsDelta() && int64(len(chain)) <= object.DefaultLimits.Depth {
			chain = append(chain, at)
			at = s.Entries[at].base
		}
		for _, link := range chain {
			s.Entries[link].Kind = s.Entries[at].Kind
		}
		chain = chain[:0]
	}
}

// Link decides which changes are taken over as they are: those whose base goes
// the same way, in chains that are not too long. All others are stored in full.
func (s *Set) Link() {
	for i := range s.Entries {
		e := &s.Entries[i]
		e.depth, e.below, e.child, e.sibling = 0, 0, none, none
	}

	linked := make([]bool, len(s.Entries))
	var chain []int32
	for i := range s.Entries {
		at := int32(i)
		for !linked[at] {
			linked[at] = true
			chain = append(chain, at)
			if s.Entries[at].base == none {
				break
			}
			at = s.Entries[at].base
		}
		for _, link := range slices.Backward(chain) {
			e := &s.Entries[link]
			if e.base == none {
				continue
			}
			base := &s.Entries[e.base]
			if base.To != e.To || base.depth >= maxReusedDepth {
				e.base = none
				e.size = 0 // not known: it was stored as a change
				continue
			}
			e.depth = base.depth + 1
			e.sibling, base.child = base.child, link
		}
		chain = chain[:0]
	}

	for i := range s.Entries {
		root := int32(i)
		for s.Entries[root].base != none {
			root = s.Entries[root].base
		}
		s.Entries[root].below = max(s.Entries[root].below, s.Entries[i].depth)
	}
}

// packed returns the bytes of an entry as they lie in its pack, proven by their
// checksum.
func (s *Set) packed(e *Entry, buffer []byte) ([]byte, error) {
	source := s.Sources[e.source]
	buffer = slices.Grow(buffer[:0], int(e.length))[:e.length]
	if _, err := source.reader.File.ReadAt(buffer, e.offset); err != nil {
		return nil, fmt.Errorf("read %s: %w", source.Pack.Path, err)
	}
	if source.Pack.Index.NoCRC {
		return buffer, s.proveUnpacked(source, e)
	}
	if crc32.ChecksumIEEE(buffer) != e.crc {
		return nil, source.reader.Damaged(e.offset, fmt.Errorf("object %s has not the checksum of the index", e.ID))
	}
	return buffer, nil
}

// proveUnpacked proves an entry whose index knows no checksum of its packed form.
func (s *Set) proveUnpacked(source *Source, e *Entry) error {
	source.reading.Lock()
	defer source.reading.Unlock()
	o, err := source.reader.Read(e.offset)
	if err != nil {
		return fmt.Errorf("object %s: %w", e.ID, err)
	}
	return pack.Prove(e.ID, o)
}

// LeaveTooLarge lets objects stay as they are whose files are larger than what may be
// read, unless they are dropped. It returns the others.
func (s *Set) LeaveTooLarge(loose []pack.Loose, limits object.Limits) []pack.Loose {
	return slices.DeleteFunc(slices.Clone(loose), func(o pack.Loose) bool {
		at, known := s.ByID[o.ID]
		if !known || s.Entries[at].source != none || s.Entries[at].To == ToNowhere || limits.CheckObject(o.Kind, o.Size) == nil {
			return false
		}
		s.Entries[at].To = toStay
		return true
	})
}

// read returns the object of an entry, whatever it is stored as.
func (s *Set) read(objects *pack.Store, e *Entry) (pack.RawObject, error) {
	if e.source == none {
		// Through the store, because git may have packed it meanwhile.
		return objects.Read(e.ID)
	}
	source := s.Sources[e.source]
	source.reading.Lock()
	o, err := source.reader.Read(e.offset)
	source.reading.Unlock()
	if err != nil {
		return pack.RawObject{}, fmt.Errorf("object %s: %w", e.ID, err)
	}
	return o, pack.Prove(e.ID, o)
}
