package pack

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A delta says how to make one object out of another: the two sizes, then
// instructions that copy a range of the base or insert bytes of their own. The
// encoder looks for blocks of the base in the target by a rolling hash.
const (
	deltaBlock = 16
	// maxCopy is the longest range that every reader of version 2 packs takes.
	maxCopy   = 0x10000
	maxInsert = 0x7f
	// maxProbes bounds the blocks of the base that are compared at one place, so
	// that files of one repeated line cost no more than others.
	maxProbes = 8
	// plainMiddle is how long the changed middle of a target may be for the delta
	// to be "all but the middle is the same", which needs no search.
	plainMiddle = 64
	hashFactor  = 0x9E3779B1
)

// hashLead is the weight of the byte that leaves the rolling hash.
var hashLead = func() uint32 {
	lead := uint32(1)
	for range deltaBlock - 1 {
		lead *= hashFactor
	}
	return lead
}()

// DeltaBase is an object that deltas are made against. The table of its blocks is
// made when it is needed first. It serves one goroutine.
type DeltaBase struct {
	Data []byte
	// heads holds the last block of each bucket and earlier the one before a block,
	// both plus one, so that zero is none.
	heads, earlier []int32
	shift          int
}

func blockHash(b []byte) uint32 {
	h := uint32(0)
	for _, c := range b[:deltaBlock] {
		h = h*hashFactor + uint32(c) + 1
	}
	return h
}

func (b *DeltaBase) bucket(h uint32) uint32 { return h * 0x85EBCA6B >> b.shift }

func (b *DeltaBase) index() {
	blocks := len(b.Data) / deltaBlock
	if b.heads != nil || blocks == 0 {
		return
	}
	size := max(4, bits.Len(uint(blocks)))
	b.shift = 32 - size
	b.heads, b.earlier = make([]int32, 1<<size), make([]int32, blocks)
	previous := uint32(0)

	for i := blocks - 1; i >= 0; i-- {
		h := blockHash(b.Data[i*deltaBlock:])
		// Of a run of equal blocks the first is enough: the match goes on by itself.
		if i < blocks-1 && h == previous {
			at := b.bucket(h)
			b.earlier[i] = b.earlier[b.heads[at]-1]
			b.heads[at] = int32(i + 1)
			continue
		}
		previous = h
		at := b.bucket(h)
		b.earlier[i] = b.heads[at]
		b.heads[at] = int32(i + 1)
	}
}

// Encode returns the delta that makes target out of the base, nil if it would be
// longer than limit.
func (b *DeltaBase) Encode(target []byte, limit int) []byte {
	out := deltaWriter{limit: limit}
	out.bytes = binary.AppendUvarint(out.bytes, uint64(len(b.Data)))
	out.bytes = binary.AppendUvarint(out.bytes, uint64(len(target)))
	front := commonPrefix(b.Data, target)
	back := commonSuffix(b.Data[front:], target[front:])
	if len(target)-front-back <= plainMiddle {
		out.copy(0, front)
		out.insert(target[front : len(target)-back])
		out.copy(len(b.Data)-back, back)
		return out.result()
	}
	b.index()
	if b.heads == nil {
		return nil
	}
	out.copy(0, front)
	b.search(&out, target, front)
	return out.result()
}

// search encodes the target from a place on.
func (b *DeltaBase) search(out *deltaWriter, target []byte, at int) {
	pending := at // where the bytes begin that no instruction makes yet
	for at+deltaBlock <= len(target) {
		h := blockHash(target[at:])
		for {
			from, length := b.longest(h, target[at:])
			if length > 0 {
				// The match may reach back into what was about to be inserted.
				back := commonSuffix(b.Data[:from], target[pending:at])
				out.insert(target[pending : at-back])
				out.copy(from-back, length+back)
				at += length
				pending = at
				break
			}
			if at+deltaBlock >= len(target) {
				at = len(target)
				break
			}
			h = (h-(uint32(target[at])+1)*hashLead)*hashFactor + uint32(target[at+deltaBlock]) + 1
			at++
			if at-pending > out.limit || len(out.bytes) > out.limit {
				out.bytes = nil
				return
			}
		}
	}

	out.insert(target[pending:])
}

// longest returns the longest range of the base that begins like the target, zero
// if not even one block does.
func (b *DeltaBase) longest(h uint32, target []byte) (from, length int) {
	next := b.heads[b.bucket(h)]
	for probes := 0; next != 0 && probes < maxProbes; probes++ {
		block := int(next-1) * deltaBlock
		if n := commonPrefix(b.Data[block:], target); n >= deltaBlock && n > length {
			from, length = block, n
		}
		next = b.earlier[next-1]
	}
	return from, length
}

// deltaWriter appends instructions.
type deltaWriter struct {
	bytes []byte
	limit int
}

func (w *deltaWriter) result() []byte {
	if len(w.bytes) > w.limit {
		return nil
	}
	return w.bytes
}

func (w *deltaWriter) insert(data []byte) {
	for len(data) > 0 {
		n := min(len(data), maxInsert)
		w.bytes = append(append(w.bytes, byte(n)), data[:n]...)
		data = data[n:]
	}
}

// copy writes the bytes of offset and size that are not zero, after a byte that
// says which they are. The size 0x10000 is written as zero.
func (w *deltaWriter) copy(offset, size int) {
	for size > 0 {
		n := min(size, maxCopy)
		head := len(w.bytes)

		w.bytes = append(w.bytes, 0x80)
		for i := range 4 {
			if c := byte(offset >> (8 * i)); c != 0 {
				w.bytes = append(w.bytes, c)
				w.bytes[head] |= 1 << i
			}
		}

		for i := range 2 {
			if c := byte(n >> (8 * i)); c != 0 {
				w.bytes = append(w.bytes, c)
				w.bytes[head] |= 0x10 << i
			}
		}

		offset += n
		size -= n
	}
}

// commonPrefix returns how many bytes two texts begin alike with.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// commonSuffix returns how many bytes two texts end alike with.
func commonSuffix(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[len(b)-n:]
	if bytes.Equal(a, b) {
		return n
	}
	i := 0
	for i < n && a[n-1-i] == b[n-1-i] {
		i++
	}
	return i
}
