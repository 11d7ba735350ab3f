//go:build unix

package repository

import (
	"errors"
	"slices"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

// deletedFile lists the restore points that were deleted here on purpose, so that
// remotes lose them too, also one that is down for weeks.
const deletedFile = "appbur-deleted.json"

const (
	// notedFor is how long a deleted point is remembered at least: long enough that no
	// clock that is set back makes its id again.
	notedFor = 30 * 24 * time.Hour
	// notedAlone is how many are remembered where there is no remote to lose them.
	notedAlone = 1000
)

// deletedPoint is a line of that file.
type deletedPoint struct {
	gitsync.DeletedTag
	// Confirmed are the remotes that do not hold it any more.
	Confirmed []string `json:",omitempty"`
	// Since is when a push first knew of it, zero until then.
	Since time.Time `json:",omitzero"`
}

func (r *Repository) readDeleted() ([]deletedPoint, error) {
	var deleted []deletedPoint
	err := r.readNote(deletedFile, &deleted)
	return deleted, err
}

// deletedTags are the tags that remotes have to lose.
func (r *Repository) deletedTags() ([]gitsync.DeletedTag, error) {
	deleted, err := r.readDeleted()
	tags := make([]gitsync.DeletedTag, len(deleted))
	for i, d := range deleted {
		tags[i] = d.DeletedTag
	}
	return tags, err
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

// NoteDeleted remembers restore points that are about to be deleted, so that the
// next push deletes them at the remotes, and that their ids are not given again. It is
// called before they are deleted: a point that is still here is not deleted anywhere.
func (r *Repository) NoteDeleted(points ...PointRef) error {
	remotes, err := r.git.Remotes()
	if err != nil {
		return err
	}
	return r.editDeleted(func(deleted []deletedPoint) []deletedPoint {
		if len(remotes) == 0 {
			// No remote will ever confirm. By number, because times are those of clocks and
			// of whoever made a tag.
			deleted = deleted[max(0, len(deleted)-notedAlone):]
		}
		for _, p := range points {
			deleted = append(deleted, deletedPoint{DeletedTag: gitsync.DeletedTag{Name: p.ID.Tag(), Object: p.object()}})
		}
		return deleted
	})
}

// absentTags are those of some tags that are not here. One that was noted and is
// still here is about to be deleted, and a push leaves it alone.
func (r *Repository) absentTags(tags []gitsync.DeletedTag) (map[string]bool, error) {
	absent := map[string]bool{}
	for _, tag := range tags {
		_, err := r.git.Tip("refs/tags/" + tag.Name)
		switch {
		case errors.Is(err, gitsync.ErrRefNotFound):
			absent[tag.Name] = true
		case err != nil && !errors.Is(err, gitsync.ErrCorrupt):
			return nil, err
		}
	}
	return absent, nil
}

// confirmDeleted notes which remotes have lost the tags that were absent here when
// they were pushed to, and forgets points that every remote has lost and that were
// deleted long enough ago.
func (r *Repository) confirmDeleted(absent map[string]bool, results []PushResult, at time.Time) error {
	if len(absent) == 0 {
		return nil
	}
	remotes, err := r.git.Remotes()
	if err != nil {
		return err
	}
	return r.editDeleted(func(deleted []deletedPoint) []deletedPoint {
		for i := range deleted {
			if d := &deleted[i]; absent[d.Name] {
				d.confirm(results, at)
			}
		}
		return slices.DeleteFunc(deleted, func(d deletedPoint) bool {
			waits := slices.ContainsFunc(remotes, func(c Remote) bool { return !slices.Contains(d.Confirmed, c.Name) })
			return absent[d.Name] && !waits && at.Sub(d.Since) > notedFor
		})
	})
}

func (d *deletedPoint) confirm(results []PushResult, at time.Time) {
	if d.Since.IsZero() {
		d.Since = at.UTC().Truncate(time.Second)
	}
	for _, result := range results {
		if result.err == nil && !slices.Contains(d.Confirmed, result.Remote) {
			d.Confirmed = append(d.Confirmed, result.Remote)
		}
	}
	slices.Sort(d.Confirmed)
}

// forgetConfirmed forgets what a remote confirmed: the next one of that name may be
// another.
func (r *Repository) forgetConfirmed(name string) error {
	return r.editDeleted(func(deleted []deletedPoint) []deletedPoint {
		for i := range deleted {
			deleted[i].Confirmed = slices.DeleteFunc(deleted[i].Confirmed, func(c string) bool { return c == name })
		}
		return deleted
	})
}

// editDeleted changes the list. Processes that do so at once wait for one another: what
// one of them notes must not be lost to the other.
func (r *Repository) editDeleted(change func([]deletedPoint) []deletedPoint) error {
	unlock, err := r.lockNote(deletedFile)
	if err != nil {
		return err
	}
	defer unlock()

	deleted, err := r.readDeleted()
	if err != nil {
		return err
	}
	if changed := change(deleted); len(changed) > 0 || len(deleted) > 0 {
		return r.writeNote(deletedFile, changed)
	}
	return nil
}
