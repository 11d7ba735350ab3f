package gitsync

import (
	"fmt"
	"slices"
)

// Onto puts the edit on top of another commit: its tree becomes that of the commit,
// with the edit's own top-level entries of the given names in place of the commit's.
// Names that the edit does not have are not there afterwards either. It costs one
// tree. So what a commit adds can be gathered before the commit that it belongs on
// exists, and over a third one that it has much in common with.
func (e *Edit) Onto(base Hash, keep ...string) error {
	fresh, err := e.repo.Edit(base)
	if err != nil {
		return err
	}
	if err := fresh.load(fresh.root); err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.load(e.root); err != nil {
		return fmt.Errorf("edit: %w", err)
	}

	for name := range fresh.root.children {
		if slices.Contains(keep, name) {
			delete(fresh.root.children, name)
		}
	}

	for name, child := range e.root.children {
		if slices.Contains(keep, name) {
			fresh.root.children[name] = child
		} else {
			e.dropBelow(child)
		}
	}

	fresh.root.dirty = true
	e.base, e.root = fresh.base, fresh.root
	return nil
}
