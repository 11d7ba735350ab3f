package pack

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// WithPrefix returns the objects whose ids begin with whole bytes, sorted.
func (s *Store) WithPrefix(prefix []byte) []object.Hash {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []object.Hash
	for _, p := range s.packs {
		ids = append(ids, p.Index.withPrefix(prefix)...)
	}

	for _, dir := range s.Dirs {
		entries, err := os.ReadDir(filepath.Join(dir, hex.EncodeToString(prefix[:1])))
		if err != nil {
			continue // no loose object begins so
		}
		for _, e := range entries {
			id, err := object.ParseHash(hex.EncodeToString(prefix[:1]) + e.Name())
			if err == nil && bytes.HasPrefix(id[:], prefix) {
				ids = append(ids, id)
			}
		}
	}

	slices.SortFunc(ids, func(a, b object.Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// withPrefix returns the objects of a pack whose ids begin with whole bytes.
func (x *Index) withPrefix(prefix []byte) []object.Hash {
	lo, hi := 0, int(x.Word(IndexFanout+4*int(prefix[0])))
	if prefix[0] > 0 {
		lo = int(x.Word(IndexFanout + 4*int(prefix[0]-1)))
	}
	var ids []object.Hash
	for i := lo; i < hi; i++ {
		var id object.Hash
		copy(id[:], x.data[indexIDs+i*HashSize:])
		if bytes.HasPrefix(id[:], prefix) {
			ids = append(ids, id)
		}
	}
	return ids
}
