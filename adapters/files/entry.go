package files

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/appbur/appbur/pkg/contract"
)

// entry is one chosen file or link.
type entry struct {
	path string
	info fs.FileInfo
	link bool
}

// list finds the chosen files of a dataset, in the order of their paths.
func (d *dataset) list(root *os.Root) ([]entry, error) {
	var all []entry
	err := fs.WalkDir(walked{root}, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) && name != ".":
			return nil // it went, or is no directory any more, while we looked; the second look decides
		case err != nil:
			return err
		case name == ".":
			return nil
		case e.IsDir() && !d.below(name):
			return fs.SkipDir
		case e.IsDir() || !d.has(name):
			return nil
		case e.Type() == fs.ModeSymlink && d.links == skipLinks:
			return nil
		}
		info, err := root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = d.admit(name, info)
		}
		all = append(all, entry{name, info, err == nil && info.Mode()&fs.ModeSymlink != 0})
		return err
	})

	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return all, err
}

// admit refuses what cannot be a row.
func (d *dataset) admit(name string, info fs.FileInfo) error {
	refuse := func(what string) error {
		if d.Sensitive() {
			name = "a chosen file"
		}
		return contract.NewError(contract.ReasonAppFailed, "dataset %s: %s %s; exclude it", d.Name, name, what).With("dataset", d.Name)
	}

	switch mode := info.Mode(); {
	case !utf8.ValidString(name):
		return refuse("has a name that is not UTF-8")
	case mode&fs.ModeSymlink != 0 && d.links == keepLinks:
		return nil
	case mode&fs.ModeSymlink != 0:
		return refuse("is a symbolic link (symlinks: skip or keep decides about them)")
	case !mode.IsRegular():
		return refuse("is neither a file nor a link")
	case mode&(fs.ModeSetuid|fs.ModeSetgid) != 0:
		return refuse("has set-user-id or set-group-id")
	}

	return nil
}

// same reports whether two looks at a path saw the same file in the same state.
// The change time moves with content, mode and owner, and programs cannot set it.
func (e entry) same(f entry) bool {
	a, okA := e.info.Sys().(*syscall.Stat_t)
	b, okB := f.info.Sys().(*syscall.Stat_t)
	return okA && okB && e.path == f.path && a.Ino == b.Ino && a.Dev == b.Dev && a.Size == b.Size && a.Mode == b.Mode && a.Ctim == b.Ctim &&
		a.Mtim == b.Mtim
}

// linkAbove reports whether a path leads through a symbolic link to its place.
func linkAbove(root *os.Root, name string) (bool, error) {
	for i, c := range name {
		if c != '/' {
			continue
		}
		info, err := root.Lstat(name[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case err != nil:
			return false, err
		case info.Mode()&fs.ModeSymlink != 0:
			return true, nil
		case !info.IsDir():
			return false, nil // a chosen file may give way to a directory; the commit sees
		}
	}
	return false, nil
}
