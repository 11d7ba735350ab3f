package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What takes the place of a file or a directory between the listing and the look into
// it is never waited for. A pipe that nobody writes to would be, for ever.
func TestWhatTakesThePlaceOfAFileIsNotOpened(t *testing.T) {
	pipe := func(full string) error { return syscall.Mkfifo(full, 0o600) }
	for name, swap := range map[string]func(full string) error{
		"a pipe":         pipe,
		"a directory":    func(full string) error { return os.Mkdir(full, 0o700) },
		"another file":   func(full string) error { return os.WriteFile(full, []byte("b"), 0o600) },
		"a socket":       func(full string) error { return syscall.Mknod(full, syscall.S_IFSOCK|0o600, 0) },
		"nothing":        func(string) error { return nil },
		"a link to":      func(full string) error { return os.Symlink("other", full) },
		"a link to pipe": func(full string) error { return errors.Join(pipe(full+"-pipe"), os.Symlink("file-pipe", full)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tree{"d/file": "a", "d/other": "a"}.write(t, dir)
			a := open(t, dir, "[{name: all, include: [d]}]")
			found, err := a.list(&a.config.datasets[0])
			if err != nil || len(found) != 2 || found[0].path != "d/file" {
				t.Fatalf("%+v, %v", found, err)
			}
			full := filepath.Join(dir, "d/file")
			if err := errors.Join(os.Rename(full, full+"-was"), swap(full)); err != nil {
				t.Fatal(err)
			}
			if err := a.copyFile(io.Discard, found[0]); !errors.Is(err, errMoved) {
				t.Errorf("got %v, want %v", err, errMoved)
			}
		})
	}
}

func TestWhatTakesThePlaceOfADirectoryIsNotListed(t *testing.T) {
	dir := t.TempDir()
	tree{"d/file": "a"}.write(t, dir)
	a := open(t, dir, "[{name: all, include: [d]}]")
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "d")), syscall.Mkfifo(filepath.Join(dir, "d"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if entries, err := readDir(a.root, "d"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v, %v", entries, err)
	}
	if err := syncDirs(a.root, "d"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v", err)
	}
	if _, err := (walked{a.root}).Open("d"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("got %v", err)
	}
}
