package repack

import (
	"bytes"
	"compress/zlib"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Bounds of the search for deltas.
const (
	// maxNewDepth is git's own: reading an object costs that many more at most.
	maxNewDepth = 50
	// searchWindow is how many earlier objects are tried, and searchStrangers how
	// many of them may be other files.
	searchWindow    = 10
	searchStrangers = 4
	// leastSearched is the size below which nothing can be won, mostSearched the one
	// above which it is not tried.
	leastSearched = 50
	mostSearched  = 16 << 20
	// mostStranger is the size above which only versions of the same file are tried.
	mostStranger = 64 << 10
	// windowBytes bounds what the candidates of all searches hold in memory.
	windowBytes = 64 << 20
)

// deltaSearch looks for the object that another is best stored as a change of. It
// is asked in the order of the pack, and an object is tried against those before
// it: newer versions of the same file, then files that are called alike.
type deltaSearch struct {
	window []candidate // latest last
	bytes  int
	most   int // of bytes
	out    bytes.Buffer
	zlib   *zlib.Writer
}

type candidate struct {
	entry int32
	base  *pack.DeltaBase
}

func newDeltaSearch(most int) (*deltaSearch, error) {
	s := &deltaSearch{most: most}
	var err error
	s.zlib, err = zlib.NewWriterLevel(&s.out, zlib.DefaultCompression)
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return s, nil
}

// wants reports whether an entry can be stored as a change.
func (s *deltaSearch) wants(e *Entry) bool {
	return e.Kind != plumbing.TagObject && e.size >= leastSearched && e.size <= mostSearched
}

// mostDepth is how many changes an object may be away from one that is stored in full. Commits
// gain a third from sharing names and keys, and are read one after the other by
// every log, so their chains are short.
func mostDepth(kind plumbing.ObjectType) int {
	if kind == plumbing.CommitObject {
		return 8
	}
	return maxNewDepth
}

// change is what was found: no base if nothing was.
type change struct {
	base       int32
	size       int // of the delta before compression
	compressed []byte
}

// find returns the best change that makes an entry, and remembers the entry as a
// candidate for those that follow.
func (s *deltaSearch) find(set *Set, at int32, data []byte) (change, error) {
	e := &set.Entries[at]
	if !s.wants(e) {
		return change{base: none}, nil
	}
	defer s.remember(at, data)
	var best []byte
	base := int32(none)
	strangers := 0

	for i := len(s.window) - 1; i >= 0; i-- {
		c := s.window[i]
		o := &set.Entries[c.entry]
		if o.Kind != e.Kind || int(o.depth)+1+int(e.below) > mostDepth(e.Kind) || triedBefore(set, o, e) {
			continue
		}
		same := o.path != 0 && o.path == e.path
		if !same {
			if strangers++; strangers > searchStrangers || e.size > mostStranger || o.size < e.size/8 {
				continue
			}
		}
		limit := len(data)/2 - 20
		if best != nil {
			limit = len(best) - 1
		}
		if delta := c.base.Encode(data, limit); delta != nil {
			best, base = delta, c.entry
			if same && len(delta) < max(leastSearched, len(data)/32) {
				break
			}
		}
	}

	if base == none {
		return change{base: none}, nil
	}
	return s.finish(set, e, base, best, data)
}

// triedBefore reports whether the search that wrote a pack has met both.
func triedBefore(set *Set, a, b *Entry) bool {
	return a.source == b.source && a.source != none && set.Sources[a.source].searched
}

// finish compresses a change, and proves that it makes the object again.
func (s *deltaSearch) finish(set *Set, e *Entry, base int32, delta, data []byte) (change, error) {
	for _, c := range s.window {
		if c.entry != base {
			continue
		}
		made, err := packfile.PatchDelta(c.base.Data, delta)
		if err != nil || !bytes.Equal(made, data) {
			return change{}, fmt.Errorf("internal error: delta from %s to %s makes something else: %w", set.Entries[base].ID, e.ID, err)
		}
	}

	s.out.Reset()
	s.zlib.Reset(&s.out)
	if _, err := s.zlib.Write(delta); err != nil {
		return change{}, fmt.Errorf("compress: %w", err)
	}
	if err := s.zlib.Close(); err != nil {
		return change{}, fmt.Errorf("compress: %w", err)
	}

	// A chain costs every reader something: a small gain is none.
	if int64(s.out.Len()) > e.length*3/4 {
		return change{base: none}, nil
	}
	return change{base: base, size: len(delta), compressed: bytes.Clone(s.out.Bytes())}, nil
}

// forget begins anew, without candidates.
func (s *deltaSearch) forget() {
	clear(s.window)
	s.window, s.bytes = s.window[:0], 0
}

func (s *deltaSearch) remember(at int32, data []byte) {
	s.window = append(s.window, candidate{at, &pack.DeltaBase{Data: data}})
	s.bytes += len(data)
	for len(s.window) > searchWindow || s.bytes > s.most && len(s.window) > 1 {
		s.bytes -= len(s.window[0].base.Data)
		s.window = append(s.window[:0], s.window[1:]...)
	}
}
