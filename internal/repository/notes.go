package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/appbur/appbur/internal/durable"
)

func (r *Repository) readNote(name string, value any) error {
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a note beside the repository: %w", err)
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("reading %s: %w", filepath.Join(r.dir, name), err)
	}
	return nil
}

func (r *Repository) writeNote(name string, value any) error {
	data, err := encodeJSON(value)
	if err != nil {
		return err
	}
	path := filepath.Join(r.dir, name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := durable.Replace(path, data, 0o600); err != nil {
		return fmt.Errorf("noting in %s: %w", name, err)
	}
	return nil
}

// lockNote waits until no other process edits a note, and lets the others in when the
// returned function is called.
func (r *Repository) lockNote(name string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(r.dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("noting in %s: %w", name, err)
	}
	if err := flock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("noting in %s: %w", name, err), file.Close())
	}
	return func() { _ = file.Close() }, nil
}

// flock waits until no other process has locked a file. It is held for milliseconds, and
// the system gives it back when its holder dies.
func flock(file *os.File) error {
	for {
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
