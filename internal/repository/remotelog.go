package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// The files below lie beside the Git repository's own. They can be lost: what the
// remotes hold is what counts.
const (
	// pushesFile says when each remote last held everything.
	pushesFile = "appbur-pushes.json"
	// deletedFile lists the restore points that were deleted here on purpose, so
	// that remotes lose them too, also one that is down for weeks.
	deletedFile = "appbur-deleted.json"
)

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

func (r *Repository) readDeleted() ([]gitsync.DeletedTag, error) {
	var deleted []gitsync.DeletedTag
	err := r.readNote(deletedFile, &deleted)
	return deleted, err
}

// deletedPoints are the tags of the points that were deleted here.
func (r *Repository) deletedPoints() (map[string]bool, error) {
	deleted, err := r.readDeleted()
	names := make(map[string]bool, len(deleted))
	for _, d := range deleted {
		names[d.Name] = true
	}
	return names, err
}

// notedFor is how long a deleted point is remembered in a repository without remotes:
// long enough that no clock that is set back makes its id again.
const notedFor = 30 * 24 * time.Hour

// NoteDeleted remembers restore points that are about to be deleted, so that the
// next push deletes them at the remotes, and that their ids are not given again. It is
// called before they are deleted: a point that is still here is not deleted anywhere.
func (r *Repository) NoteDeleted(points ...PointRef) error {
	deleted, err := r.readDeleted()
	if err != nil {
		return err
	}
	remotes, err := r.git.Remotes()
	if err != nil {
		return err
	}
	if len(remotes) == 0 && len(points) > 0 {
		// Ids are times and sort as such.
		oldest := appbur.NewRestorePointID(points[0].Tagged.Add(-notedFor), 0).Tag()
		deleted = slices.DeleteFunc(deleted, func(d gitsync.DeletedTag) bool { return d.Name < oldest })
	}
	for _, p := range points {
		deleted = append(deleted, gitsync.DeletedTag{Name: p.ID.Tag(), Object: p.object()})
	}
	return r.writeNote(deletedFile, deleted)
}

func (r *Repository) readNote(name string, value any) error {
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what is known of remotes: %w", err)
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
	file, err := os.CreateTemp(r.dir, name+".*")
	if err != nil {
		return fmt.Errorf("noting what is known of remotes: %w", err)
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("noting what is known of remotes: %w", err), os.Remove(file.Name()))
	}
	return nil
}
