package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	githash "github.com/go-git/go-git/v5/plumbing/hash"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// A pack index (version 2) says where in a pack each object begins: a header, a
// table of 256 counts by first byte, the sorted ids, a CRC-32 for each packed
// form, the offsets, offsets beyond 2 GiB, the checksum of the pack and its own.
const (
	IndexMagic   = "\xfftOc\x00\x00\x00\x02"
	IndexFanout  = len(IndexMagic)
	indexIDs     = IndexFanout + 256*4
	HashSize     = len(object.Hash{})
	LargeOffset  = 1 << 31
	ChecksumSize = 2 * HashSize
)

// IndexEntry is what an index knows of one object.
type IndexEntry struct {
	ID     object.Hash
	CRC    uint32
	Offset uint64
}

// NewChecksum returns the hash that ends packs and indexes.
func NewChecksum() hash.Hash { return githash.New(githash.CryptoType) }

// EncodeIndex returns the index of a pack with the given checksum. It sorts
// objects.
func EncodeIndex(objects []IndexEntry, packChecksum []byte) []byte {
	slices.SortFunc(objects, func(a, b IndexEntry) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	out := make([]byte, 0, indexIDs+len(objects)*(HashSize+8)+ChecksumSize)
	out = append(out, IndexMagic...)

	next := 0
	for first := range 256 {
		for next < len(objects) && int(objects[next].ID[0]) == first {
			next++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(next))
	}

	for _, o := range objects {
		out = append(out, o.ID[:]...)
	}
	for _, o := range objects {
		out = binary.BigEndian.AppendUint32(out, o.CRC)
	}

	var large []uint64
	for _, o := range objects {
		if o.Offset < LargeOffset {
			out = binary.BigEndian.AppendUint32(out, uint32(o.Offset))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, LargeOffset|uint32(len(large)))
		large = append(large, o.Offset)
	}

	for _, offset := range large {
		out = binary.BigEndian.AppendUint64(out, offset)
	}
	out = append(out, packChecksum...)
	sum := NewChecksum()
	sum.Write(out)
	return sum.Sum(out)
}

// Index answers where an object is in its pack. It never changes.
type Index struct {
	data  []byte
	Count int
	// NoCRC means that the index does not know the checksums of packed forms.
	NoCRC bool
}

// ParseIndex checks the shape of an index, so that lookups cannot run out of
// it. An index of version 1, which git writes when pack.indexVersion says so, is
// turned into one of version 2.
func ParseIndex(data []byte) (*Index, error) {
	if len(data) >= 4 && string(data[:4]) != IndexMagic[:4] {
		return parseIndexVersion1(data)
	}
	if len(data) < indexIDs+ChecksumSize || string(data[:len(IndexMagic)]) != IndexMagic {
		return nil, fmt.Errorf("%w: pack index has the header of no version that is known", object.ErrCorrupt)
	}
	x := &Index{data: data}

	previous := uint32(0)
	for first := range 256 {
		n := x.Word(IndexFanout + 4*first)
		if n < previous {
			return nil, fmt.Errorf("%w: pack index counts backwards", object.ErrCorrupt)
		}
		previous = n
	}

	x.Count = int(previous)
	if len(data) < indexIDs+x.Count*(HashSize+8)+ChecksumSize {
		return nil, fmt.Errorf("%w: pack index is cut off", object.ErrCorrupt)
	}
	return x, nil
}

// indexRow1 is the size of an entry of version 1: an offset and an id. Before the
// entries there is nothing but the table of counts.
const indexRow1 = 4 + HashSize

func parseIndexVersion1(data []byte) (*Index, error) {
	const fanout = 256 * 4
	if len(data) < fanout+ChecksumSize {
		return nil, fmt.Errorf("%w: pack index is cut off", object.ErrCorrupt)
	}
	count := int(binary.BigEndian.Uint32(data[fanout-4:]))
	if rows := len(data) - fanout - ChecksumSize; rows%indexRow1 != 0 || count != rows/indexRow1 {
		return nil, fmt.Errorf("%w: pack index has not the %d entries that it says", object.ErrCorrupt, count)
	}

	out := make([]byte, 0, indexIDs+count*(HashSize+8)+ChecksumSize)
	out = append(append(out, IndexMagic...), data[:fanout]...)
	rows := data[fanout : len(data)-ChecksumSize]
	for row := range slices.Chunk(rows, indexRow1) {
		out = append(out, row[4:]...)
	}
	out = append(out, make([]byte, 4*count)...)
	for row := range slices.Chunk(rows, indexRow1) {
		// Version 1 has all 32 bits for the offset, version 2 takes the first one for a
		// table of its own. Git writes version 2 for such packs, whatever it is told.
		if row[0]&0x80 != 0 {
			return nil, fmt.Errorf("%w: pack index of version 1 with an offset beyond 2 GiB", object.ErrCorrupt)
		}
		out = append(out, row[:4]...)
	}
	x, err := ParseIndex(append(out, data[len(data)-ChecksumSize:]...))
	if err != nil {
		return nil, err
	}
	x.NoCRC = true
	return x, nil
}

// Word returns the number of four bytes at an offset of the index.
func (x *Index) Word(at int) uint32 { return binary.BigEndian.Uint32(x.data[at:]) }

// find returns the offset of an object.
func (x *Index) find(id object.Hash) (int64, bool) {
	lo, hi := 0, int(x.Word(IndexFanout+4*int(id[0])))
	if id[0] > 0 {
		lo = int(x.Word(IndexFanout + 4*int(id[0]-1)))
	}
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		at := indexIDs + mid*HashSize
		switch c := bytes.Compare(x.data[at:at+HashSize], id[:]); {
		case c == 0:
			return x.Offset(mid)
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false
}

// ID returns the name of the i-th object, in the order of names.
func (x *Index) ID(i int) object.Hash {
	return object.Hash(x.data[indexIDs+i*HashSize:][:HashSize])
}

// CRC returns the checksum of the packed form of the i-th object.
func (x *Index) CRC(i int) uint32 { return x.Word(indexIDs + x.Count*HashSize + 4*i) }

// Offset returns where the i-th object begins.
func (x *Index) Offset(i int) (int64, bool) {
	offsets := indexIDs + x.Count*(HashSize+4)
	small := x.Word(offsets + 4*i)
	if small < LargeOffset {
		return int64(small), true
	}
	at := offsets + 4*x.Count + 8*int(small&^LargeOffset)
	if at+8 > len(x.data)-ChecksumSize {
		return 0, false
	}
	large := binary.BigEndian.Uint64(x.data[at:])
	return int64(large), large < 1<<62
}
