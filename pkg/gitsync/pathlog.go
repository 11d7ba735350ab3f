package gitsync

import (
	"container/heap"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Step is a commit of a history, with what it does to the chosen files.
type Step struct {
	Commit
	// Changes are the chosen files that differ from the first parent, sorted by
	// path. The first commit adds all its files.
	Changes []Change
}

// WalkOptions limit a walk. The zero value is the complete history.
type WalkOptions struct {
	// Patterns choose files; a commit that leaves all of them as they were is
	// passed over. Without patterns every commit is there.
	Patterns []Pattern
	// Since ends the walk at commits older than this. Like git it does not look
	// behind one for younger ones.
	Since time.Time
	// Until passes over commits younger than this.
	Until time.Time
}

// Walk yields the commits that can be reached from one and change chosen files,
// newest first by committer time. They are those of `git log -- PATH`: of a merge
// that has the chosen files of one parent only that parent is followed.
//
// A commit costs a look at the directories along the patterns, and nothing where
// they are those of the commit before. Blobs are not read.
func (r *Repository) Walk(ctx context.Context, from Hash, o WalkOptions) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		w := newWalker(r, o.Patterns)
		defer w.reader.Close()
		start, err := w.reader.Commit(from)
		if err == nil {
			w.push(start)
		}

		for err == nil && w.queue.Len() > 0 {
			if err = ctx.Err(); err != nil {
				break
			}
			c := w.pop()
			if c.Time.Before(o.Since) {
				continue
			}

			var step Step
			var shown bool
			if step, shown, err = w.step(c, o); err != nil {
				break
			}
			if shown && !yield(step, nil) {
				return
			}
		}

		if err != nil {
			yield(Step{}, fmt.Errorf("walk the history: %w", err))
		}
	}
}

// walker goes through a history by time.
type walker struct {
	reader  *pack.BatchReader
	chooser *chooser
	seen    map[Hash]bool
	queue   byAge
	pushed  int
}

func newWalker(r *Repository, patterns []Pattern) *walker {
	reader := &pack.BatchReader{Objects: r.objects}
	if len(patterns) == 0 {
		patterns = []Pattern{{}}
	}
	return &walker{
		reader: reader, seen: map[Hash]bool{},
		chooser: &chooser{reader: reader, patterns: patterns, last: map[chooserKey]chooserAnswer{}},
	}
}

// push queues a commit that was not queued before.
func (w *walker) push(c Commit) {
	if !w.seen[c.Hash] {
		w.seen[c.Hash] = true
		heap.Push(&w.queue, aged{c, w.pushed})
		w.pushed++
	}
}

func (w *walker) pop() Commit { return heap.Pop(&w.queue).(aged).Commit }

// chosen returns what the patterns choose in a commit.
func (w *walker) chosen(c Commit) ([]chosenEntry, error) {
	entries, err := w.chooser.choose(c.Tree)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", c.Hash, err)
	}
	return entries, nil
}

// step looks at one commit, queues the parents that are to be followed, and says
// whether the commit belongs to the answer.
func (w *walker) step(c Commit, o WalkOptions) (Step, bool, error) {
	here, err := w.chosen(c)
	if err != nil {
		return Step{}, false, err
	}
	var first []chosenEntry
	var follow []Commit
	shown := len(c.Parents) > 0 || len(here) > 0

	for i, h := range c.Parents {
		parent, err := w.reader.Commit(h)
		if err != nil {
			return Step{}, false, err
		}
		there, err := w.chosen(parent)
		if err != nil {
			return Step{}, false, err
		}
		if i == 0 {
			first = there
		}
		if len(o.Patterns) > 0 && slices.Equal(here, there) {
			follow, shown = []Commit{parent}, false
			break
		}
		follow = append(follow, parent)
	}

	for _, parent := range follow {
		w.push(parent)
	}
	if len(o.Patterns) == 0 {
		shown = true
	}
	if !shown || !o.Until.IsZero() && c.Time.After(o.Until) {
		return Step{}, false, nil
	}
	changes, err := w.changes(first, here)
	return Step{Commit: c, Changes: changes}, true, err
}

// changes compares two lists of entries that are sorted by path.
func (w *walker) changes(before, after []chosenEntry) ([]Change, error) {
	var list []Change
	compare := newDiffer(w.reader, w.reader.Objects.Limits)
	diff := func(path string, a, b object.TreeEntry) error {
		if path == "" { // the root itself
			return compare.trees("", treeOf(a), treeOf(b), &list)
		}
		return compare.entry(path, a, b, &list)
	}

	for len(before) > 0 || len(after) > 0 {
		var err error
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].path < after[0].path:
			err = diff(before[0].path, before[0].TreeEntry, object.TreeEntry{})
			before = before[1:]
		case len(before) == 0 || after[0].path < before[0].path:
			err = diff(after[0].path, object.TreeEntry{}, after[0].TreeEntry)
			after = after[1:]
		default:
			err = diff(after[0].path, before[0].TreeEntry, after[0].TreeEntry)
			before, after = before[1:], after[1:]
		}
		if err != nil {
			return nil, err
		}
	}

	sortChanges(list)
	return list, nil
}

func treeOf(e object.TreeEntry) Hash {
	if e.IsDir() {
		return e.ID
	}
	return object.EmptyTree
}

// aged is a commit and when it was found; of two commits of one second git shows
// the one first that it found first.
type aged struct {
	Commit
	found int
}

// byAge is a heap of commits, newest first.
type byAge []aged

func (q byAge) Len() int { return len(q) }
func (q byAge) Less(i, j int) bool {
	if !q[i].Time.Equal(q[j].Time) {
		return q[i].Time.After(q[j].Time)
	}
	return q[i].found < q[j].found
}
func (q byAge) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements [heap.Interface].
func (q *byAge) Push(x any) { *q = append(*q, x.(aged)) }

// Pop implements [heap.Interface].
func (q *byAge) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
