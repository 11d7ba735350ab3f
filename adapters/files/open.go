package files

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openFile opens a file that a listing found, and makes sure that it is still that
// file. Whoever may write to the directory can put a pipe, a device or a link there
// in between: opening a pipe would wait for somebody to write to it, for ever, so it
// is opened without waiting and looked at before a byte is read.
func openFile(root *os.Root, found entry) (*os.File, error) {
	f, err := root.OpenFile(found.path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, moved(err)
	}
	opened, err := f.Stat()
	if err == nil && (!opened.Mode().IsRegular() || !os.SameFile(opened, found.info)) {
		err = errMoved
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// openDir opens a directory, and nothing else that took its place.
func openDir(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_DIRECTORY, 0)
}

// readDir lists a directory.
func readDir(root *os.Root, name string) ([]fs.DirEntry, error) {
	f, err := openDir(root, name)
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	return entries, errors.Join(err, f.Close())
}

// walked is what [fs.WalkDir] walks: that of a root itself opens what it takes for a
// directory without making sure.
type walked struct{ root *os.Root }

// Open implements [fs.FS].
func (t walked) Open(name string) (fs.File, error) { return openDir(t.root, name) }

// Stat implements [fs.StatFS].
func (t walked) Stat(name string) (fs.FileInfo, error) { return t.root.Stat(name) }

// ReadDir implements [fs.ReadDirFS].
func (t walked) ReadDir(name string) ([]fs.DirEntry, error) { return readDir(t.root, name) }
