package repository

import (
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

// UnreadablePoint is a restore point whose description cannot be read.
type UnreadablePoint struct {
	Ref PointRef
	// Err says why; it wraps [ErrUnreadable].
	Err error
}

// Catalog is all restore points of a repository, newest first.
type Catalog struct {
	// Refs and Points are those that can be read: Points[i] describes Refs[i].
	Refs   []PointRef
	Points []appbur.RestorePoint
	// Unreadable are the others. They count as good for nothing.
	Unreadable []UnreadablePoint
}

// Catalog reads the descriptions of all points.
func (r *Repository) Catalog() (Catalog, error) {
	refs, err := r.Points()
	if err != nil {
		return Catalog{}, err
	}
	var c Catalog
	for _, ref := range refs {
		point, err := r.Describe(ref)
		switch {
		case errors.Is(err, ErrUnreadable):
			c.Unreadable = append(c.Unreadable, UnreadablePoint{ref, err})
		case err != nil:
			return Catalog{}, err
		default:
			c.Refs, c.Points = append(c.Refs, ref), append(c.Points, point)
		}
	}
	return c, nil
}

// PassedOver are the points newer than one that cannot be read: what "latest" would
// perhaps be if they could.
func (r *Repository) PassedOver(latest PointRef) ([]UnreadablePoint, error) {
	refs, err := r.Points()
	if err != nil {
		return nil, err
	}
	var passed []UnreadablePoint
	for _, ref := range refs {
		if ref.ID <= latest.ID {
			break
		}
		if _, err := r.Describe(ref); errors.Is(err, ErrUnreadable) {
			passed = append(passed, UnreadablePoint{ref, err})
		}
	}
	return passed, nil
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
		data, err = snapshot.ReadFile(appbur.RestorePointFile)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, gitsync.ErrCorrupt), errors.Is(err, gitsync.ErrObjectNotFound):
		return appbur.RestorePoint{}, r.cannotRead(ref, err)
	case err != nil:
		return appbur.RestorePoint{}, err
	}
	point, err := appbur.ParseRestorePoint(data)
	if err == nil && point.ID != ref.ID {
		err = fmt.Errorf("its description is of %s", point.ID)
	}
	if err != nil {
		return appbur.RestorePoint{}, r.cannotRead(ref, err)
	}
	return point, nil
}

func (r *Repository) cannotRead(ref PointRef, why error) error {
	err := fmt.Errorf("%w: %w", ErrUnreadable, why)
	if appbur.HintOf(err) != "" {
		return err
	}
	return appbur.WithHint(err, fmt.Sprintf("`appbur repo check --repo %s` tells damage from a tag of somebody else; `appbur points delete %s` takes it away", r.dir, ref.ID))
}
