package pieces

import (
	"bytes"
	"math/bits"

	"github.com/appbur/appbur"
)

// contentSplitter cuts bytes that have no rows where a rolling hash over the last
// 64 of them says so, so that an insertion moves no cut but those beside it. It is
// FastCDC with normalized sizes (Xia et al., USENIX ATC 2016): before the wanted
// size a cut is half as likely as after it.
type contentSplitter struct {
	layout appbur.Layout
	gear   [256]uint64
	// early and late are the bits of the hash that must be zero for a cut.
	early, late uint64

	buffer []byte
	// scanned is how much of the buffer the hash has seen.
	scanned int
	hash    uint64
	// before are the last bytes of the piece before: what caused the cut, and so
	// what the next piece is named by.
	before []byte
}

// gearWindow is how many bytes the hash depends on: each shifts it by one bit.
const gearWindow = 64

// gearTable gives each byte a random number. They come from SplitMix64 and are part
// of the layout's definition.
func gearTable(seed uint64) (table [256]uint64) {
	state := seed ^ 0x6170706275720001 // "appbur", layout 1
	for i := range table {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		table[i] = z ^ z>>31
	}
	return table
}

func newContentSplitter(layout appbur.Layout, seed uint64) *contentSplitter {
	wanted := bits.Len(uint(layout.Greatest/4)) - 1
	// The high bits depend on the complete window, the low ones on the last bytes only.
	mask := func(n int) uint64 { return ^uint64(0) << (64 - n) }
	return &contentSplitter{layout: layout, gear: gearTable(seed), early: mask(wanted + 1), late: mask(wanted - 1)}
}

func (s *contentSplitter) Split(data []byte, emit func(Piece) error) error {
	for len(data) > 0 {
		// No more than one piece is held, whatever the caller writes at once.
		n := min(len(data), s.layout.Greatest-len(s.buffer))
		s.buffer = append(s.buffer, data[:n]...)
		data = data[n:]
		for at := s.next(); at > 0; at = s.next() {
			if err := s.cut(at, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// next returns where the next cut is, 0 if that is not known yet.
func (s *contentSplitter) next() int {
	// Nothing can be cut before Least; the hash needs the bytes just before it.
	s.scanned = max(s.scanned, s.layout.Least-gearWindow)
	// Locals, because this loop is what cutting costs.
	gear, hash, mask := &s.gear, s.hash, s.early
	for i, c := range s.buffer[min(s.scanned, len(s.buffer)):] {
		hash = hash<<1 + gear[c]
		size := s.scanned + i + 1
		if size > s.layout.Greatest/4 {
			mask = s.late
		}
		if hash&mask == 0 && size >= s.layout.Least || size >= s.layout.Greatest {
			return size // cut begins anew
		}
	}
	s.scanned, s.hash = max(s.scanned, len(s.buffer)), hash
	return 0
}

func (s *contentSplitter) cut(at int, emit func(Piece) error) error {
	cut := Piece{Start: s.before, Data: bytes.Clone(s.buffer[:at])}
	s.before = bytes.Clone(cut.Data[max(0, at-gearWindow):])
	s.buffer = s.buffer[:copy(s.buffer, s.buffer[at:])]
	s.scanned, s.hash = 0, 0
	return emit(cut)
}

func (s *contentSplitter) Flush(emit func(Piece) error) error {
	if len(s.buffer) == 0 {
		return nil
	}
	return s.cut(len(s.buffer), emit)
}
