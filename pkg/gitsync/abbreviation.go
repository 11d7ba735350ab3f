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
	if _, odd := hex.DecodeString(text + strings.Repeat("0", len(text)%2)); err != nil || odd != nil || len(text) < minAbbreviation || len(text) > 2*idSize {
		return "", fmt.Errorf("%q is no abbreviated hash: want %d to %d hexadecimal digits", abbreviation, minAbbreviation, 2*idSize)
	}
	var commits []string
	for _, id := range r.objects.withPrefix(prefix) {
		name := id.String()
		if !strings.HasPrefix(name, text) {
			continue
		}
		object, err := r.objects.read(id)
		if err != nil {
			return "", fmt.Errorf("object %s: %w", id, err)
		}
		if object.kind == plumbing.CommitObject {
			commits = append(commits, name)
		}
	}
	switch len(commits) {
	case 0:
		return "", fmt.Errorf("commit %s: %w", abbreviation, ErrObjectNotFound)
	case 1:
		return Hash(commits[0]), nil
	default:
		return "", appbur.WithHint(fmt.Errorf("%s is the beginning of %d commits", abbreviation, len(commits)), "give more digits: "+strings.Join(commits, ", "))
	}
}

// withPrefix returns the objects whose ids begin with whole bytes, sorted.
func (s *objectStore) withPrefix(prefix []byte) []objectID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []objectID
	for _, p := range s.packs {
		ids = append(ids, p.index.withPrefix(prefix)...)
	}
	for _, dir := range s.dirs {
		entries, err := os.ReadDir(filepath.Join(dir, hex.EncodeToString(prefix[:1])))
		if err != nil {
			continue // no loose object begins so
		}
		for _, e := range entries {
			id, err := idOf(Hash(hex.EncodeToString(prefix[:1]) + e.Name()))
			if err == nil && bytes.HasPrefix(id[:], prefix) {
				ids = append(ids, id)
			}
		}
	}
	slices.SortFunc(ids, func(a, b objectID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// withPrefix returns the objects of a pack whose ids begin with whole bytes.
func (x *packIndex) withPrefix(prefix []byte) []objectID {
	lo, hi := 0, int(x.word(indexFanout+4*int(prefix[0])))
	if prefix[0] > 0 {
		lo = int(x.word(indexFanout + 4*int(prefix[0]-1)))
	}
	var ids []objectID
	for i := lo; i < hi; i++ {
		var id objectID
		copy(id[:], x.data[indexIDs+i*idSize:])
		if bytes.HasPrefix(id[:], prefix) {
			ids = append(ids, id)
		}
	}
	return ids
}
