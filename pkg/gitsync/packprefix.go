package gitsync

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
)

// withPrefix returns the objects whose ids begin with whole bytes, sorted.
func (s *objectStore) withPrefix(prefix []byte) []Hash {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []Hash
	for _, p := range s.packs {
		ids = append(ids, p.index.withPrefix(prefix)...)
	}

	for _, dir := range s.dirs {
		entries, err := os.ReadDir(filepath.Join(dir, hex.EncodeToString(prefix[:1])))
		if err != nil {
			continue // no loose object begins so
		}
		for _, e := range entries {
			id, err := ParseHash(hex.EncodeToString(prefix[:1]) + e.Name())
			if err == nil && bytes.HasPrefix(id[:], prefix) {
				ids = append(ids, id)
			}
		}
	}

	slices.SortFunc(ids, func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// withPrefix returns the objects of a pack whose ids begin with whole bytes.
func (x *packIndex) withPrefix(prefix []byte) []Hash {
	lo, hi := 0, int(x.word(indexFanout+4*int(prefix[0])))
	if prefix[0] > 0 {
		lo = int(x.word(indexFanout + 4*int(prefix[0]-1)))
	}
	var ids []Hash
	for i := lo; i < hi; i++ {
		var id Hash
		copy(id[:], x.data[indexIDs+i*idSize:])
		if bytes.HasPrefix(id[:], prefix) {
			ids = append(ids, id)
		}
	}
	return ids
}
