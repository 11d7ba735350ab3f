package gitsync

import (
	"fmt"
)

// Ancestry numbers the commits that can be reached from a tip by age: the tip is 0, and
// a commit has a greater number than whatever descends from it. Times of commits have
// no say, because whoever makes one chooses its time. Only the wanted commits are
// returned; one that is missing cannot be reached.
//
// It reads no further than the oldest wanted commit while the history is linear. What
// is known when a commit cannot be read comes back with the error.
func (r *Repository) Ancestry(tip Hash, wanted ...Hash) (map[Hash]int, error) {
	left := make(map[Hash]bool, len(wanted))
	for _, h := range wanted {
		left[h] = true
	}
	numbers := make(map[Hash]int, len(left))
	for n := 0; len(left) > 0; n++ {
		if left[tip] {
			numbers[tip] = n
			delete(left, tip)
		}
		c, err := r.ReadCommit(tip)
		if err != nil {
			return numbers, fmt.Errorf("history: %w", err)
		}

		switch {
		case len(left) == 0 || len(c.Parents) == 0:
			return numbers, nil
		case len(c.Parents) == 1:
			tip = c.Parents[0]
		default:
			return numbers, r.numberMerged(c, n, left, numbers)
		}
	}
	return numbers, nil
}

// numberMerged numbers the wanted ancestors of a merge, which itself has number n. A
// commit gets its number when all that descends from it have theirs.
func (r *Repository) numberMerged(merge Commit, n int, wanted map[Hash]bool, numbers map[Hash]int) error {
	parents := map[Hash][]Hash{merge.Hash: merge.Parents}
	children := map[Hash]int{}
	for queue := []Hash{merge.Hash}; len(queue) > 0; queue = queue[1:] {
		for _, parent := range parents[queue[0]] {
			children[parent]++
			if _, known := parents[parent]; known {
				continue
			}
			c, err := r.ReadCommit(parent)
			if err != nil {
				return fmt.Errorf("history: %w", err)
			}
			parents[parent] = c.Parents
			queue = append(queue, parent)
		}
	}

	for ready := []Hash{merge.Hash}; len(ready) > 0; ready = ready[1:] {
		if wanted[ready[0]] {
			numbers[ready[0]] = n
		}
		n++
		for _, parent := range parents[ready[0]] {
			if children[parent]--; children[parent] == 0 {
				ready = append(ready, parent)
			}
		}
	}
	return nil
}
