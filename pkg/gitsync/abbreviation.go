package gitsync

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
)

// minAbbreviation is the shortest abbreviation that git accepts.
const minAbbreviation = 4

// FindCommit returns the commit whose hash begins with the given hexadecimal digits,
// at least four. None is [ErrObjectNotFound]; several are an error that names them.
func (r *Repository) FindCommit(abbreviation string) (Hash, error) {
	text := strings.ToLower(abbreviation)
	even := text[:len(text)/2*2]
	prefix, err := hex.DecodeString(even)
	if _, odd := hex.DecodeString(text + strings.Repeat("0", len(text)%2)); err != nil || odd != nil || len(text) < minAbbreviation ||
		len(text) > 2*idSize {
		return Hash{}, fmt.Errorf("%q is no abbreviated hash: want %d to %d hexadecimal digits", abbreviation, minAbbreviation, 2*idSize)
	}
	var commits []Hash

	for _, id := range r.objects.withPrefix(prefix) {
		if !strings.HasPrefix(id.String(), text) {
			continue
		}
		object, err := r.objects.read(id)
		if err != nil {
			return Hash{}, fmt.Errorf("object %s: %w", id, err)
		}
		if object.kind == plumbing.CommitObject {
			commits = append(commits, id)
		}
	}

	switch len(commits) {
	case 0:
		return Hash{}, fmt.Errorf("commit %s: %w", abbreviation, ErrObjectNotFound)
	case 1:
		return commits[0], nil
	default:
		return Hash{}, appbur.WithHint(fmt.Errorf("%s is the beginning of %d commits", abbreviation, len(commits)),
			"give more digits: "+strings.Trim(fmt.Sprint(commits), "[]"))
	}
}

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
