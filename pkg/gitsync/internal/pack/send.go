package pack

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// packSender streams objects of a repository as one pack. Every object is proven
// before it leaves: what is rotten here does not rot the remote. The packed form
// is sent as it is stored in our own packs, so nothing is compressed again.
type packSender struct {
	objects *Store
	inPack  map[object.Hash]struct{} // what is sent, so what a delta may rest on
	out     *bufio.Writer
	sum     hash.Hash
	sent    int
	bytes   int64
	tell    func(objects int, bytes int64)

	reader *Reader
	// names are the objects of reader's pack by offset; only deltas need them.
	names map[int64]object.Hash
}

// SendPack writes the objects as a pack.
func (s *Store) SendPack(out io.Writer, objects []object.Hash, inPack map[object.Hash]struct{}, tell func(objects int, bytes int64)) error {
	p := &packSender{objects: s, inPack: inPack, sum: NewChecksum(), out: bufio.NewWriterSize(out, 64<<10), tell: tell}
	defer p.closeReader()
	if err := p.write(binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects)))); err != nil {
		return err
	}
	for _, at := range s.locate(objects) {
		if err := p.send(at); err != nil {
			return err
		}
		p.sent++
	}
	p.report()
	if _, err := p.out.Write(p.sum.Sum(nil)); err != nil {
		return err
	}
	return p.out.Flush()
}

// location is where an object is; pack is nil for what is in no pack.
type location struct {
	id     object.Hash
	pack   *Pack
	offset int64
}

// locate finds the objects and puts them in the order in which they lie in their
// packs, so that reading them is reading files from their beginning to their end.
func (s *Store) locate(objects []object.Hash) []location {
	places := make([]location, len(objects))
	for i, id := range objects {
		places[i].id = id
		places[i].pack, places[i].offset, _ = s.Find(id)
	}
	slices.SortStableFunc(places, func(a, b location) int {
		return cmp.Or(cmp.Compare(PathOf(a.pack), PathOf(b.pack)), cmp.Compare(a.offset, b.offset))
	})
	return places
}

func (p *packSender) write(b []byte) error {
	p.sum.Write(b)
	n, err := p.out.Write(b)
	p.bytes += int64(n)
	p.report()
	return err
}

func (p *packSender) report() {
	if p.tell != nil {
		p.tell(p.sent, p.bytes)
	}
}

func (p *packSender) closeReader() {
	if p.reader != nil {
		p.reader.Close()
	}
}

// send writes one object in the form in which it is stored, if that is one to send.
func (p *packSender) send(at location) error {
	if at.pack != nil && (p.reader == nil || p.reader.Pack != at.pack) {
		p.closeReader()
		p.names = nil
		// A pack that vanished is no error: what was in it is found elsewhere.
		p.reader, _ = at.pack.Open()
	}
	if at.pack == nil || p.reader == nil {
		return p.sendWhole(at.id)
	}

	entry, err := p.reader.readEntry(at.offset)
	if err != nil {
		return fmt.Errorf("object %s: %w", at.id, err)
	}
	if entry.kind.IsDelta() {
		return p.sendDelta(at, entry)
	}
	if err := Prove(at.id, RawObject{Kind: entry.kind, Data: entry.data}); err != nil {
		return err
	}
	return p.writeEntry(entry.kind, len(entry.data), nil, entry.packed)
}

// sendDelta sends a delta if its base is sent as well.
func (p *packSender) sendDelta(at location, entry packEntry) error {
	base := entry.baseID
	if entry.kind == plumbing.OFSDeltaObject {
		if p.names == nil {
			p.names = at.pack.Index.names()
		}
		base = p.names[entry.base]
	}
	if _, sent := p.inPack[base]; !sent {
		return p.sendWhole(at.id)
	}
	whole, err := p.reader.Read(at.offset)
	if err != nil {
		return fmt.Errorf("object %s: %w", at.id, err)
	}
	if err := Prove(at.id, whole); err != nil {
		return err
	}
	return p.writeEntry(plumbing.REFDeltaObject, len(entry.data), base[:], entry.packed)
}

// sendWhole sends an object compressed anew.
func (p *packSender) sendWhole(id object.Hash) error {
	o, err := p.objects.Read(id)
	if err != nil {
		return err
	}
	d, err := Deflate(id, o.Kind, o.Data)
	if err != nil {
		return err
	}
	return p.writeEntry(o.Kind, len(o.Data), nil, d.Zlib)
}

func (p *packSender) writeEntry(kind plumbing.ObjectType, size int, base, packed []byte) error {
	if err := p.write(append(EntryHeader(kind, size), base...)); err != nil {
		return err
	}
	return p.write(packed)
}

// packEntry is one entry of a pack as it is stored there.
type packEntry struct {
	kind plumbing.ObjectType
	// base is the offset, and baseID the id, that a delta rests on: one of the two.
	base   int64
	baseID object.Hash
	// data is the object, or the delta; packed is its compressed form.
	data   []byte
	packed []byte
}

// readEntry reads an entry without applying deltas.
func (r *Reader) readEntry(offset int64) (packEntry, error) {
	r.in.Reset(io.NewSectionReader(r.File, offset, 1<<62))
	entry, err := readPackEntry(r.in, offset, r.limits)
	if errors.Is(err, object.ErrTooLarge) {
		return entry, fmt.Errorf("%s at %d: %w", r.Pack.Path, offset, err)
	}
	if err != nil {
		return entry, r.Damaged(offset, err)
	}
	return entry, nil
}

// readPackEntry reads the entry that begins at an offset.
func readPackEntry(in *bufio.Reader, offset int64, limits object.Limits) (packEntry, error) {
	kind, size, err := ReadEntryHeader(in)
	if err != nil {
		return packEntry{}, err
	}
	if err := limits.CheckObject(kind, size); err != nil {
		return packEntry{}, err
	}
	entry := packEntry{kind: kind}

	switch kind {
	case plumbing.OFSDeltaObject:
		distance, err := ReadBaseDistance(in)
		if err != nil {
			return entry, err
		}
		if entry.base = offset - distance; distance <= 0 || entry.base <= 0 {
			return entry, fmt.Errorf("%w: delta without a base", object.ErrCorrupt)
		}
	case plumbing.REFDeltaObject:
		if _, err := io.ReadFull(in, entry.baseID[:]); err != nil {
			return entry, err
		}
	}

	copied := &copyingReader{in: in}
	if entry.data, err = Inflate(copied, size); err != nil {
		return entry, err
	}
	entry.packed = copied.copy
	return entry, nil
}

// copyingReader keeps what was read through it. The decompressor reads bytes, so
// it takes exactly those that belong to its stream.
type copyingReader struct {
	in   *bufio.Reader
	copy []byte
}

// Read implements [io.Reader].
func (r *copyingReader) Read(b []byte) (int, error) {
	n, err := r.in.Read(b)
	r.copy = append(r.copy, b[:n]...)
	return n, err
}

// ReadByte implements [io.ByteReader].
func (r *copyingReader) ReadByte() (byte, error) {
	b, err := r.in.ReadByte()
	if err == nil {
		r.copy = append(r.copy, b)
	}
	return b, err
}

// names returns the objects of a pack by offset.
func (x *Index) names() map[int64]object.Hash {
	names := make(map[int64]object.Hash, x.Count)
	for i := range x.Count {
		if offset, ok := x.Offset(i); ok {
			at := indexIDs + i*HashSize
			names[offset] = object.Hash(x.data[at : at+HashSize])
		}
	}
	return names
}

// PathOf returns the path of a pack, "" for none: objects that are not in a pack sort first.
func PathOf(p *Pack) string {
	if p == nil {
		return ""
	}
	return p.Path
}
