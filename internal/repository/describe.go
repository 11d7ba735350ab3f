package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// ErrUnreadable means that a tag below restore-points/ does not lead to a restore
// point that this release can read: it is damaged, somebody else made it, or a later
// release did. Trouble of the disk or the network is something else.
var ErrUnreadable = errors.New("the restore point cannot be read")

// mostDescribed bounds what a description lists, before it is parsed: three bytes of it
// are some hundred in memory.
var mostDescribed = []struct {
	sign, what string
	times      int
}{
	{"{", "objects", 100_000},   // applications, datasets
	{",", "entries", 4_000_000}, // pieces of payloads
}

// Describe reads the description of a point. The error wraps [ErrUnreadable] when
// there is none that can be used, and nothing that would help is to come.
func (r *Repository) Describe(ref PointRef) (appbur.RestorePoint, error) {
	point, err := r.describe(ref)
	if err != nil {
		return appbur.RestorePoint{}, fmt.Errorf("restore point %s: %w", ref.ID, err)
	}
	return point, nil
}

func (r *Repository) describe(ref PointRef) (appbur.RestorePoint, error) {
	if ref.tag.Damage != nil {
		return appbur.RestorePoint{}, r.cannotRead(ref, ref.tag.Damage)
	}
	snapshot, err := r.git.Snapshot(ref.Commit)
	var data []byte
	if err == nil {
		data, err = snapshot.ReadDescription(appbur.RestorePointFile)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, gitsync.ErrCorrupt), errors.Is(err, gitsync.ErrObjectNotFound),
		errors.Is(err, gitsync.ErrTooLarge):
		return appbur.RestorePoint{}, r.cannotRead(ref, err)
	case err != nil:
		return appbur.RestorePoint{}, err
	}
	for _, most := range mostDescribed {
		if n := bytes.Count(data, []byte(most.sign)); n > most.times {
			return appbur.RestorePoint{}, r.cannotRead(ref,
				fmt.Errorf("%w: its description has %d %s, more than %d", gitsync.ErrTooLarge, n, most.what, most.times))
		}
	}

	point, err := appbur.ParseRestorePoint(data)
	if err == nil && point.ID != ref.ID {
		err = fmt.Errorf("its description is of %s", point.ID)
	}
	if err == nil {
		_, err = gitsync.ParseHash(point.Manifests)
	}
	if err != nil {
		return appbur.RestorePoint{}, r.cannotRead(ref, err)
	}
	return point, nil
}

// manifestsOf is the commit of main that a described point was made of: [Repository.Describe] has
// read it once, and the null object name of another point is nothing that main holds.
func manifestsOf(point appbur.RestorePoint) gitsync.Hash {
	commit, _ := gitsync.ParseHash(point.Manifests)
	return commit
}

func (r *Repository) cannotRead(ref PointRef, why error) error {
	err := fmt.Errorf("%w: %w", ErrUnreadable, why)
	if appbur.HintOf(err) != "" {
		return err
	}
	return &Error{Reason: ReasonUnreadablePoint, Dir: r.dir, Point: string(ref.ID), Err: err}
}
