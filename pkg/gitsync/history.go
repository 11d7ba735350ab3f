package gitsync

import (
	"container/heap"
	"fmt"
	"iter"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// ReadCommit returns one commit.
func (r *Repository) ReadCommit(h Hash) (Commit, error) {
	data, err := r.objects.ReadAs(h, plumbing.CommitObject)
	if err != nil {
		return Commit{}, err
	}
	c, err := object.ParseCommit(data)
	if err != nil {
		return Commit{}, fmt.Errorf("commit %s: %w", h, err)
	}
	c.Hash = h
	return c, nil
}

// Log yields the commits that can be reached from one, newest first by committer
// time, never a commit before its children when the times agree with history. A
// limit of zero or less means all.
func (r *Repository) Log(from Hash, limit int) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		seen := map[Hash]bool{}
		queue := &byTime{}
		push := func(h Hash) error {
			if seen[h] {
				return nil
			}
			seen[h] = true
			c, err := r.ReadCommit(h)
			if err == nil {
				heap.Push(queue, c)
			}
			return err
		}

		err := push(from)
		for n := 0; err == nil && queue.Len() > 0 && (limit <= 0 || n < limit); n++ {
			c := heap.Pop(queue).(Commit)
			if !yield(c, nil) {
				return
			}
			if limit > 0 && n+1 == limit {
				return // the parents are not asked for
			}

			for _, parent := range c.Parents {
				if err = push(parent); err != nil {
					break
				}
			}
		}

		if err != nil {
			yield(Commit{}, err)
		}
	}
}

// byTime is a heap of commits, newest first.
type byTime []Commit

func (q byTime) Len() int           { return len(q) }
func (q byTime) Less(i, j int) bool { return q[i].Time.After(q[j].Time) }
func (q byTime) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements [heap.Interface].
func (q *byTime) Push(x any) { *q = append(*q, x.(Commit)) }

// Pop implements [heap.Interface].
func (q *byTime) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
