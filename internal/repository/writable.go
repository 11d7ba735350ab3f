package repository

import (
	"fmt"
	"os"
	"path/filepath"
)

// probeFile is written and removed again, beside the Git repository's own files.
const probeFile = "appbur-writable"

// Writable returns why nothing can be written to the repository, nil if something can. It writes a block
// and takes it away: a mode says nothing of a disk that is full.
func (r *Repository) Writable() error {
	path := filepath.Join(r.dir, probeFile)
	err := os.WriteFile(path, make([]byte, 4<<10), 0o600)
	if removeErr := os.Remove(path); err == nil && !os.IsNotExist(removeErr) {
		err = removeErr
	}
	if err != nil {
		return fmt.Errorf("the repository cannot be written to: %w", err)
	}
	return nil
}
