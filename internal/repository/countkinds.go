package repository

import "github.com/appbur/appbur"

// Waiting counts the changes that the next commit would hold.
func (w *Writer) Waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.changes)
}

// CountByKind counts the manifests on main of each of the given kinds, as of the last commit.
func (w *Writer) CountByKind(kinds []appbur.GroupKind) map[appbur.GroupKind]int {
	w.gate.RLock()
	defer w.gate.RUnlock()
	byLeaf := make(map[string]appbur.GroupKind, len(kinds))
	for _, gk := range kinds {
		byLeaf[w.dirs.of(gk)] = gk
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	counts := make(map[appbur.GroupKind]int, len(kinds))
	for path := range w.files {
		if gk, ok := byLeaf[leafOf(path)]; ok {
			counts[gk]++
		}
	}
	return counts
}
