//go:build unix

package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/tempfile"
)

// The beginnings of the names of files that are being written. They are not as git's
// own, which `git prune --expire=now` takes away from under whoever writes them, and
// never end in ".pack" or ".idx": stock git reads every file that does, finished or
// not.
const (
	UnfinishedPack  = "appbur_tmp_pack"
	unfinishedIndex = "appbur_tmp_idx"
)

// unfinishedNames are those beginnings, and the ones that earlier versions used.
var unfinishedNames = []string{UnfinishedPack, unfinishedIndex, "tmp_pack_appbur", "tmp_idx_appbur"}

func isUnfinished(name string) bool {
	return slices.ContainsFunc(unfinishedNames, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// RemoveAbandoned removes unfinished files, and holds on packs, whose owner is dead.
func RemoveAbandoned(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for abandoned files: %w", err)
	}
	for _, entry := range entries {
		if !isUnfinished(entry.Name()) && !isHold(dir, entry) {
			continue
		}
		if err := tempfile.RemoveUnowned(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("remove an abandoned file: %w", err)
		}
	}
	return nil
}

// orphanAge is how old a file without its index must be to belong to no process: stock git
// publishes the index some moments after the pack.
const orphanAge = 24 * time.Hour

// RemoveOrphans removes packs that lost their index to a crash. A file that may be
// touched tells the time by which the age of files is measured.
func RemoveOrphans(dir, clock string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, entry := range entries {
		names[entry.Name()] = true
	}
	now, err := fileSystemTime(clock)
	if err != nil {
		return err
	}

	for _, entry := range entries {
		base, ending, found := strings.Cut(entry.Name(), ".")
		if !found || !strings.HasPrefix(base, "pack-") && !strings.HasPrefix(base, "loose-") || names[base+".idx"] || names[base+".keep"] ||
			!slices.Contains([]string{"pack", "rev", "bitmap", "mtimes"}, ending) {
			continue
		}
		info, err := entry.Info()
		if err != nil || now.Sub(info.ModTime()) < orphanAge {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}

	return nil
}
