package gitsync

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
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
		len(text) > 2*pack.HashSize {
		return Hash{}, fmt.Errorf("%q is no abbreviated hash: want %d to %d hexadecimal digits", abbreviation, minAbbreviation, 2*pack.HashSize)
	}
	var commits []Hash

	for _, id := range r.objects.WithPrefix(prefix) {
		if !strings.HasPrefix(id.String(), text) {
			continue
		}
		object, err := r.objects.Read(id)
		if err != nil {
			return Hash{}, fmt.Errorf("object %s: %w", id, err)
		}
		if object.Kind == plumbing.CommitObject {
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
