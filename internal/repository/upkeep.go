package repository

import (
	"context"
	"errors"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

const (
	// pruneGrace is how long what nothing needs any more stays at least when it is
	// pruned without being asked for: git's own choice, and longer than any backup takes.
	pruneGrace = 14 * 24 * time.Hour
	// pruneEvery is how often points that were deleted are looked for at most. Looking
	// walks the complete repository.
	pruneEvery = 7 * 24 * time.Hour
	// pruneFile remembers it; like the other notes it can be lost.
	pruneFile = "appbur-prune.json"
)

// pruneNote says whether something waits to be pruned.
type pruneNote struct {
	// Wanted is set when points were deleted, until all that only they held is gone.
	Wanted bool `json:"wanted"`
	// Last is when it was tried last.
	Last time.Time `json:"last"`
}

// MaintainIfDue packs the repository together if enough has gathered since that was
// done last, and once a week drops what deleted restore points held, two weeks after
// nothing needed it any more. It returns nil if nothing is due, or somebody else is at
// it. progress is as with [gitsync.MaintainOptions]; it may be nil.
func (r *Repository) MaintainIfDue(ctx context.Context, now time.Time, progress func(done, total int)) (*gitsync.MaintainReport, error) {
	var note pruneNote
	if err := r.readNote(pruneFile, &note); err != nil {
		return nil, err
	}
	o := gitsync.MaintainOptions{Progress: progress}

	if note.Wanted && now.Sub(note.Last) >= pruneEvery {
		o.PruneBefore = now.Add(-pruneGrace)
	} else if due, err := r.git.MaintenanceDue(); err != nil || !due {
		return nil, err
	}
	report, err := r.git.Maintain(ctx, o)
	if errors.Is(err, gitsync.ErrUnsupported) && !o.PruneBefore.IsZero() {
		o.PruneBefore = time.Time{} // its configuration forbids to drop anything
		report, err = r.git.Maintain(ctx, o)
	}

	switch {
	case errors.Is(err, gitsync.ErrLocked), errors.Is(err, gitsync.ErrPruneRaced):
		return nil, nil
	case err != nil:
		return nil, err
	case o.PruneBefore.IsZero():
		return &report, nil
	}

	return &report, r.writeNote(pruneFile, pruneNote{Wanted: report.SetAside > 0, Last: now.UTC().Truncate(time.Second)})
}

// wantPrune notes that points are about to be deleted.
func (r *Repository) wantPrune() error {
	var note pruneNote
	if err := r.readNote(pruneFile, &note); err != nil {
		return err
	}
	note.Wanted = true
	return r.writeNote(pruneFile, note)
}

// Maintain packs the objects of the repository together while reading and writing
// go on.
func (r *Repository) Maintain(ctx context.Context, o gitsync.MaintainOptions) (gitsync.MaintainReport, error) {
	return r.git.Maintain(ctx, o)
}

// Usage is how much the repository holds on disk.
func (r *Repository) Usage() (gitsync.Usage, error) { return r.git.Usage() }
