package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// MkdirAll is [os.MkdirAll]; the name of each directory that was missing is durable.
func MkdirAll(dir string, mode fs.FileMode) error {
	var holders []string // directories that get a new name
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		_, err := os.Stat(at)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break // MkdirAll says better what is wrong
		}
		holders = append(holders, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}

	for _, holder := range holders {
		if err := SyncDir(holder); err != nil {
			return err
		}
	}
	return nil
}
