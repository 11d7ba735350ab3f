package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur/internal/durable"
)

// The files of notes lie beside the Git repository's own, where nothing that is pushed
// or fetched reaches. They can be lost: what the repository and its remotes hold is what counts.

// pushesFile says when each remote last held everything.
const pushesFile = "appbur-pushes.json"

func (r *Repository) readPushes() (map[string]time.Time, error) {
	pushes := map[string]time.Time{}
	err := r.readNote(pushesFile, &pushes)
	return pushes, err
}

// notePushes remembers which remotes held everything at a time.
func (r *Repository) notePushes(results []PushResult, at time.Time) error {
	pushes, err := r.readPushes()
	if err != nil {
		return err
	}
	changed := false
	for _, result := range results {
		if result.err == nil {
			pushes[result.Remote] = at.UTC().Truncate(time.Second)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return r.writeNote(pushesFile, pushes)
}

func (r *Repository) forgetPush(name string) error {
	pushes, err := r.readPushes()
	if err != nil {
		return err
	}
	delete(pushes, name)
	return r.writeNote(pushesFile, pushes)
}

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
