package gitsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Bounds beyond which a maintenance is worth its time. They count what no maintenance
// has seen yet, so that one maintenance is not followed by the next.
const (
	// duePacks is how many new packs are too many: about eight backups, a commit and a
	// point each. It is less than what makes a commit roll packs up.
	duePacks = 16
	// dueBytes is how much in new packs may wait for deltas, unless it is a small part
	// of the total. Fewer than dueBytesPacks are not looked at: what a first backup
	// writes has nothing to be a change of.
	dueBytes      = 32 << 20
	dueBytesShare = 4
	dueBytesPacks = 4
	// dueLoose is how many loose objects in one of their 256 directories are too many,
	// which is how git estimates 6,700 of them.
	dueLoose     = 27
	dueLooseFan  = "17"
	looseNameLen = 38
)

// MaintenanceDue reports whether [Repository.Maintain] is worth its time. It looks at
// the names and sizes of packs and into one directory, as `git gc --auto` does, and
// costs next to nothing.
func (r *Repository) MaintenanceDue() (bool, error) {
	if err := r.objects.Rescan(); err != nil {
		return false, fmt.Errorf("maintenance: %w", err)
	}
	packs := 0
	var fresh, all int64

	for _, p := range r.objects.Own() {
		size, err := p.Bytes()
		if errors.Is(err, fs.ErrNotExist) {
			continue // repacked this moment
		}
		if err != nil {
			return false, fmt.Errorf("maintenance: %w", err)
		}
		all += size
		if !p.Searched && !p.Kept.Load() && !p.Cruft {
			packs++
			fresh += size
		}
	}

	if packs > duePacks || packs >= dueBytesPacks && fresh > dueBytes && fresh > all/dueBytesShare {
		return true, nil
	}
	entries, err := os.ReadDir(filepath.Join(r.objects.Dirs[0], dueLooseFan))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("maintenance: %w", err)
	}

	loose := 0
	for _, entry := range entries {
		if len(entry.Name()) == looseNameLen {
			loose++
		}
	}

	return loose > dueLoose, nil
}
