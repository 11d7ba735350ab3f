package gitsync

import (
	"errors"
	"fmt"
)

// Between yields what came after a commit: the commits that can be reached from tip
// and not through old, newest first, without old itself. It reports whether old was
// met: if not, tip does not descend from it. It reads only the way from tip to old,
// or the complete history when there is no such way.
func (r *Repository) Between(tip, old Hash, visit func(Commit) error) (descends bool, err error) {
	if tip == old {
		return true, nil
	}
	if _, err := r.ReadCommit(old); errors.Is(err, ErrObjectNotFound) {
		return false, nil // what is not there, nothing descends from
	} else if err != nil {
		return false, fmt.Errorf("history: %w", err)
	}
	seen := map[Hash]bool{tip: true}

	queue := []Hash{tip}
	for len(queue) > 0 {
		c, err := r.ReadCommit(queue[0])
		if err != nil {
			return false, fmt.Errorf("history: %w", err)
		}
		queue = queue[1:]
		if err := visit(c); err != nil {
			return false, err
		}
		for _, parent := range c.Parents {
			if parent == old {
				descends = true
				continue
			}
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
		// A linear history has nothing left here once old was met.
	}

	return descends, nil
}
