package gitsync

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// packFiles are the files of one pack in a directory. Git takes every index for one
// of a pack, whatever it is called: `git maintenance` names packs loose-HASH, and
// others write packs under names of their own.
type packFiles struct {
	base    string // the path without an ending
	endings map[string]bool
}

func (f packFiles) has(ending string) bool { return f.endings[ending] }

// path returns the path of one of the files.
func (f packFiles) path(ending string) string { return f.base + ending }

// complete looks for what a list of the directory may lack: the index comes last of the
// files of a pack, but a directory that is written to while it is listed may show the
// index and not what came before it. A pack without its .keep would be repacked while
// somebody relies on it.
func (f packFiles) complete() {
	for _, ending := range []string{packEnding, keepEnding, mtimesEnding, revEnding} {
		if !f.has(ending) {
			_, err := os.Lstat(f.path(ending))
			f.endings[ending] = err == nil
		}
	}
}

// listPacks finds every pack of an "objects" directory that has an index, sorted by
// name. An index whose pack is gone is among them.
func listPacks(objects string) ([]packFiles, error) {
	dir := filepath.Join(objects, "pack")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list packs: %w", err)
	}

	endings := map[string]map[string]bool{}
	for _, entry := range entries {
		ending := filepath.Ext(entry.Name())
		base := strings.TrimSuffix(entry.Name(), ending)
		if endings[base] == nil {
			endings[base] = map[string]bool{}
		}
		endings[base][ending] = true
	}

	var packs []packFiles
	for base, found := range endings {
		if found[indexEnding] {
			packs = append(packs, packFiles{filepath.Join(dir, base), found})
		}
	}
	for _, files := range packs {
		files.complete()
	}
	slices.SortFunc(packs, func(a, b packFiles) int { return cmp.Compare(a.base, b.base) })
	return packs, nil
}

// The endings of the files of a pack.
const (
	packEnding   = ".pack"
	indexEnding  = ".idx"
	keepEnding   = ".keep"   // asks not to repack it
	mtimesEnding = ".mtimes" // marks cruft
	revEnding    = ".rev"
)
