package gitsync

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	githash "github.com/go-git/go-git/v5/plumbing/hash"
)

// A pack index (version 2) says where in a pack each object begins: a header, a
// table of 256 counts by first byte, the sorted ids, a CRC-32 for each packed
// form, the offsets, offsets beyond 2 GiB, the checksum of the pack and its own.
const (
	indexMagic   = "\xfftOc\x00\x00\x00\x02"
	indexFanout  = len(indexMagic)
	indexIDs     = indexFanout + 256*4
	idSize       = len(Hash{})
	largeOffset  = 1 << 31
	checksumSize = 2 * idSize
)

// packedObject is what an index knows of one object.
type packedObject struct {
	id     Hash
	crc    uint32
	offset uint64
}

// newChecksum returns the hash that ends packs and indexes.
func newChecksum() hash.Hash { return githash.New(githash.CryptoType) }

// encodePackIndex returns the index of a pack with the given checksum. It sorts
// objects.
func encodePackIndex(objects []packedObject, packChecksum []byte) []byte {
	slices.SortFunc(objects, func(a, b packedObject) int { return bytes.Compare(a.id[:], b.id[:]) })
	out := make([]byte, 0, indexIDs+len(objects)*(idSize+8)+checksumSize)
	out = append(out, indexMagic...)

	next := 0
	for first := range 256 {
		for next < len(objects) && int(objects[next].id[0]) == first {
			next++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(next))
	}

	for _, o := range objects {
		out = append(out, o.id[:]...)
	}
	for _, o := range objects {
		out = binary.BigEndian.AppendUint32(out, o.crc)
	}

	var large []uint64
	for _, o := range objects {
		if o.offset < largeOffset {
			out = binary.BigEndian.AppendUint32(out, uint32(o.offset))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, largeOffset|uint32(len(large)))
		large = append(large, o.offset)
	}

	for _, offset := range large {
		out = binary.BigEndian.AppendUint64(out, offset)
	}
	out = append(out, packChecksum...)
	sum := newChecksum()
	sum.Write(out)
	return sum.Sum(out)
}

// packIndex answers where an object lies in its pack. It never changes.
type packIndex struct {
	data  []byte
	count int
	// noCRC means that the index does not know the checksums of packed forms.
	noCRC bool
}

// parsePackIndex checks the shape of an index, so that lookups cannot run out of
// it. An index of version 1, which git writes when pack.indexVersion says so, is
// turned into one of version 2.
func parsePackIndex(data []byte) (*packIndex, error) {
	if len(data) >= 4 && string(data[:4]) != indexMagic[:4] {
		return parseIndexVersion1(data)
	}
	if len(data) < indexIDs+checksumSize || string(data[:len(indexMagic)]) != indexMagic {
		return nil, fmt.Errorf("%w: pack index has the header of no version that is known", ErrCorrupt)
	}
	x := &packIndex{data: data}

	previous := uint32(0)
	for first := range 256 {
		n := x.word(indexFanout + 4*first)
		if n < previous {
			return nil, fmt.Errorf("%w: pack index counts backwards", ErrCorrupt)
		}
		previous = n
	}

	x.count = int(previous)
	if len(data) < indexIDs+x.count*(idSize+8)+checksumSize {
		return nil, fmt.Errorf("%w: pack index is cut off", ErrCorrupt)
	}
	return x, nil
}

// indexRow1 is the size of an entry of version 1: an offset and an id. Before the
// entries there is nothing but the table of counts.
const indexRow1 = 4 + idSize

func parseIndexVersion1(data []byte) (*packIndex, error) {
	const fanout = 256 * 4
	if len(data) < fanout+checksumSize {
		return nil, fmt.Errorf("%w: pack index is cut off", ErrCorrupt)
	}
	count := int(binary.BigEndian.Uint32(data[fanout-4:]))
	if rows := len(data) - fanout - checksumSize; rows%indexRow1 != 0 || count != rows/indexRow1 {
		return nil, fmt.Errorf("%w: pack index has not the %d entries that it says", ErrCorrupt, count)
	}

	out := make([]byte, 0, indexIDs+count*(idSize+8)+checksumSize)
	out = append(append(out, indexMagic...), data[:fanout]...)
	rows := data[fanout : len(data)-checksumSize]
	for row := range slices.Chunk(rows, indexRow1) {
		out = append(out, row[4:]...)
	}
	out = append(out, make([]byte, 4*count)...)
	for row := range slices.Chunk(rows, indexRow1) {
		// Version 1 has all 32 bits for the offset, version 2 takes the first one for a
		// table of its own. Git writes version 2 for such packs, whatever it is told.
		if row[0]&0x80 != 0 {
			return nil, fmt.Errorf("%w: pack index of version 1 with an offset beyond 2 GiB", ErrCorrupt)
		}
		out = append(out, row[:4]...)
	}
	x, err := parsePackIndex(append(out, data[len(data)-checksumSize:]...))
	if err != nil {
		return nil, err
	}
	x.noCRC = true
	return x, nil
}

func (x *packIndex) word(at int) uint32 { return binary.BigEndian.Uint32(x.data[at:]) }

// find returns the offset of an object.
func (x *packIndex) find(id Hash) (int64, bool) {
	lo, hi := 0, int(x.word(indexFanout+4*int(id[0])))
	if id[0] > 0 {
		lo = int(x.word(indexFanout + 4*int(id[0]-1)))
	}
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		at := indexIDs + mid*idSize
		switch c := bytes.Compare(x.data[at:at+idSize], id[:]); {
		case c == 0:
			return x.offset(mid)
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false
}

// id returns the name of the i-th object, in the order of names.
func (x *packIndex) id(i int) Hash {
	return Hash(x.data[indexIDs+i*idSize:][:idSize])
}

// crc returns the checksum of the packed form of the i-th object.
func (x *packIndex) crc(i int) uint32 { return x.word(indexIDs + x.count*idSize + 4*i) }

// offset returns where the i-th object begins.
func (x *packIndex) offset(i int) (int64, bool) {
	offsets := indexIDs + x.count*(idSize+4)
	small := x.word(offsets + 4*i)
	if small < largeOffset {
		return int64(small), true
	}
	at := offsets + 4*x.count + 8*int(small&^largeOffset)
	if at+8 > len(x.data)-checksumSize {
		return 0, false
	}
	large := binary.BigEndian.Uint64(x.data[at:])
	return int64(large), large < 1<<62
}
