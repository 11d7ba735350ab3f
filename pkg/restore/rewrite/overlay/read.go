package overlay

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// BaseName is how an overlay names the restore point among its resources.
const BaseName = "restore-point"

// What an overlay may be at most; it is written by people.
const (
	maxFiles = 4096
	maxBytes = 32 << 20
)

// Overlay is an overlay that reaches nothing outside of it. It is made by [Read].
type Overlay struct {
	// files by their path.
	files map[string][]byte
	// layers are the kustomizations that it consists of.
	layers []layer
}

// Read reads a complete overlay, and refuses one that reaches for something else. The directory
// should be one that does not lead out of itself, such as that of an [os.Root]. An error about
// what the overlay says is an [Error].
func Read(dir fs.FS) (*Overlay, error) {
	o := &Overlay{files: make(map[string][]byte)}
	size := 0
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		read, err := reads(dir, name, entry)
		if err != nil || !read {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}

		o.files[name] = data
		size += len(data)
		if len(o.files) > maxFiles || size > maxBytes {
			return refuse("", "it has more than %d files or %d MiB: give the directory of the overlay alone", maxFiles, maxBytes>>20)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return o, o.check()
}

// reads decides about one entry of the directory.
func reads(dir fs.FS, name string, entry fs.DirEntry) (bool, error) {
	base := path.Base(name)
	switch {
	case name == BaseName:
		return false, refuse(name, "this name is that of the restore point")
	case base == ".git", strings.HasPrefix(base, "..") && base != "..":
		// Not the overlay's: a mounted ConfigMap has its files in ..data once more.
		if entry.IsDir() {
			return false, fs.SkipDir
		}
		return false, nil
	case entry.IsDir():
		return false, nil
	case entry.Type().IsRegular():
		return true, nil
	case entry.Type() != fs.ModeSymlink:
		return false, refuse(name, "it is no file")
	}

	target, err := fs.Stat(dir, name)
	switch {
	case err != nil:
		return false, refuse(name, "the symbolic link leads out of the overlay, or to nothing")
	case !target.Mode().IsRegular():
		return false, refuse(name, "the symbolic link leads to no file")
	}
	return true, nil
}

// isDirectory reports whether files lie below a path.
func (o *Overlay) isDirectory(name string) bool {
	for file := range o.files {
		if name == "." || strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// lineOf finds the line of a file that says a text, 0 if none does.
func (o *Overlay) lineOf(file, text string) int {
	text, _, _ = strings.Cut(text, "\n")
	lines := strings.Split(string(o.files[file]), "\n")
	return 1 + slices.IndexFunc(lines, func(line string) bool { return text != "" && strings.Contains(line, text) })
}
