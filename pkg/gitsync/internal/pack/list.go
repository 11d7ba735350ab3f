package pack

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

// Files are the files of one pack in a directory. Git takes every index for one
// of a pack, whatever it is called: `git maintenance` names packs loose-HASH, and
// others write packs under names of their own.
type Files struct {
	Base    string // the path without an ending
	endings map[string]bool
}

func (f Files) has(ending string) bool { return f.endings[ending] }

// path returns the path of one of the files.
func (f Files) path(ending string) string { return f.Base + ending }

// complete looks for what a list of the directory may lack: the index comes last of the
// files of a pack, but a directory that is written to while it is listed may show the
// index and not what came before it. A pack without its .keep would be repacked while
// somebody relies on it.
func (f Files) complete() {
	for _, ending := range []string{packEnding, KeepEnding, mtimesEnding, revEnding} {
		if !f.has(ending) {
			_, err := os.Lstat(f.path(ending))
			f.endings[ending] = err == nil
		}
	}
}

// List finds every pack of an "objects" directory that has an index, sorted by
// name. An index whose pack is gone is among them.
func List(objects string) ([]Files, error) {
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

	var packs []Files
	for base, found := range endings {
		if found[indexEnding] {
			packs = append(packs, Files{filepath.Join(dir, base), found})
		}
	}
	for _, files := range packs {
		files.complete()
	}
	slices.SortFunc(packs, func(a, b Files) int { return cmp.Compare(a.Base, b.Base) })
	return packs, nil
}

// The endings of the files of a pack.
const (
	packEnding   = ".pack"
	indexEnding  = ".idx"
	KeepEnding   = ".keep"   // asks not to repack it
	mtimesEnding = ".mtimes" // marks cruft
	revEnding    = ".rev"
)
