package gitsync

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// missing finds the objects that a remote does not have. It walks the commits that
// are new and compares their trees with those of their parents: what it costs is
// what changed, however much exists.
type missing struct {
	repo    *Repository
	seen    map[Hash]struct{}
	objects []Hash
	commits int
	// known are trees that the remote has besides those of parents: the newest
	// restore point there, whose payloads the next one shares.
	known []Hash
}

func (r *Repository) newMissing() *missing {
	return &missing{repo: r, seen: map[Hash]struct{}{}}
}

// add notes an object, and reports whether it was new.
func (l *missing) add(id Hash) bool {
	if _, ok := l.seen[id]; ok {
		return false
	}
	l.seen[id] = struct{}{}
	l.objects = append(l.objects, id)
	return true
}

// addTag adds a tag object and returns the commit that the tag is on.
func (l *missing) addTag(id Hash) (Hash, error) {
	tag, err := l.repo.readTag(id)
	if err != nil {
		return Hash{}, err
	}
	if !tag.Object.IsZero() {
		l.add(id)
	}
	return tag.Commit, nil
}

// addHistory adds what can be reached from the wanted commits and not from those
// that the remote has.
func (l *missing) addHistory(want, have []Hash) error {
	fresh, err := l.repo.beyond(want, have)
	if err != nil {
		return err
	}

	for _, c := range fresh {
		if !l.add(c.Hash) {
			continue
		}
		l.commits++
		bases := l.known
		for _, parent := range c.Parents {
			tree, err := l.repo.rootOf(parent)
			if err != nil {
				return err
			}
			bases = append(bases[:len(bases):len(bases)], tree)
		}
		if err := l.addTree(c.Tree, bases); err != nil {
			return fmt.Errorf("commit %s: %w", c.Hash.Short(), err)
		}
	}

	return nil
}

// addTree adds a tree and what it holds, except for what one of the bases has at
// the same place.
func (l *missing) addTree(id Hash, bases []Hash) error {
	for _, base := range bases {
		if base == id {
			return nil
		}
	}

	if !l.add(id) {
		return nil
	}
	entries, err := l.repo.objects.ReadTree(id)
	if err != nil {
		return err
	}

	before := map[string][]object.TreeEntry{}
	for _, base := range bases {
		old, err := l.repo.objects.ReadTree(base)
		if err != nil {
			return err
		}
		for _, e := range old {
			before[e.Name] = append(before[e.Name], e)
		}
	}

	for _, e := range entries {
		if e.Mode == filemode.Submodule {
			continue // the commit is in another repository
		}
		if err := l.addEntry(e, before[e.Name]); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}

	return nil
}

func (l *missing) addEntry(e object.TreeEntry, before []object.TreeEntry) error {
	var below []Hash
	for _, old := range before {
		if old.ID == e.ID {
			return nil
		}
		if old.IsDir() {
			below = append(below, old.ID)
		}
	}
	if e.IsDir() {
		return l.addTree(e.ID, below)
	}
	l.add(e.ID)
	return nil
}

// visit is a commit on the walk below.
type visit struct {
	commit Commit
	// owned commits can be reached from what the remote has.
	owned  bool
	queued bool
}

// beyond returns the commits that can be reached from want and not from have,
// newest first. Commits of have that are not here do not count. Both sides are
// walked by time, so that the walk ends where they meet; when clocks went
// backwards it may return some that have has as well.
func (r *Repository) beyond(want, have []Hash) ([]Commit, error) {
	visits := map[Hash]*visit{}
	queue := &byTime{}

	open := 0 // in the queue and not owned
	reach := func(h Hash, owned bool) error {
		v, known := visits[h]
		switch {
		case !known:
			c, err := r.ReadCommit(h)
			if err != nil {
				return err
			}
			v = &visit{commit: c, owned: owned}
			visits[h] = v
		case v.owned || !owned:
			return nil
		default:
			v.owned = true
			if v.queued {
				open--
				return nil
			}
			// Its parents must learn of it.
		}
		v.queued = true
		heap.Push(queue, v.commit)
		if !v.owned {
			open++
		}
		return nil
	}

	for _, id := range have {
		if err := reach(id, true); err != nil && !errors.Is(err, ErrObjectNotFound) {
			return nil, err
		}
	}

	for _, id := range want {
		if err := reach(id, false); err != nil {
			return nil, err
		}
	}

	var found []Commit
	for open > 0 {
		c := heap.Pop(queue).(Commit)
		v := visits[c.Hash]
		v.queued = false
		if !v.owned {
			open--
			found = append(found, c)
		}
		for _, parent := range c.Parents {
			if err := reach(parent, v.owned); err != nil {
				return nil, err
			}
		}
	}

	return slices.DeleteFunc(found, func(c Commit) bool { return visits[c.Hash].owned }), nil
}

// descends reports whether a commit is another's descendant or the same, and by
// how many commits.
func (r *Repository) descends(from, ancestor Hash) (ahead int, _ bool, err error) {
	if from == ancestor {
		return 0, true, nil
	}
	fresh, err := r.beyond([]Hash{from}, []Hash{ancestor})
	if err != nil {
		return 0, false, err
	}
	// On any path down to the ancestor all commits above it are in the list.
	for _, c := range fresh {
		if slices.Contains(c.Parents, ancestor) {
			return len(fresh), true, nil
		}
	}
	return len(fresh), false, nil
}

// holds reports whether a commit is here.
func (r *Repository) holds(id Hash) (bool, error) {
	_, err := r.objects.ReadAs(id, plumbing.CommitObject)
	if errors.Is(err, ErrObjectNotFound) {
		return false, nil
	}
	return err == nil, err
}
