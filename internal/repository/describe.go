package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/retention"
	"github.com/appbur/appbur/pkg/gitsync"
)

// ErrUnreadable means that a tag below restore-points/ does not lead to a restore
// point that this release can read: it is damaged, somebody else made it, or a later
// release did. Trouble of the disk or the network is something else.
var ErrUnreadable = errors.New("the restore point cannot be read")

// RejectedPoint is a restore point that counts for nothing.
type RejectedPoint struct {
	Ref PointRef
	// Err says why; it wraps [ErrUnreadable], [ErrUntrusted] or [ErrRewritten].
	Err error
}

// Catalog is all restore points of a repository, newest first by history.
type Catalog struct {
	// Refs and Points are those that count: Points[i] describes Refs[i].
	Refs   []PointRef
	Points []appbur.RestorePoint
	// Misdated[i] is true when the time of Points[i] cannot be true.
	Misdated []bool
	// Unreadable points have no description that can be used. They count as good for
	// nothing.
	Unreadable []RejectedPoint
	// Untrusted points can be read, and nobody trusted has signed them, or main does not
	// hold what they were made of. Whoever can push can make such points, so they too
	// count as good for nothing.
	Untrusted []RejectedPoint
}

// Catalog reads the descriptions of all points and, with an allowed_signers file,
// verifies their signatures. Without one every point that can be read counts, so no
// deletion may rest on it.
func (r *Repository) Catalog(allowedSigners []byte) (Catalog, error) {
	return r.CatalogTelling(allowedSigners, func(int, int) {})
}

// CatalogTelling is Catalog, and tells how many points of how many were looked at.
func (r *Repository) CatalogTelling(allowedSigners []byte, progress func(done, total int)) (Catalog, error) {
	refs, err := r.Points()
	if err != nil {
		return Catalog{}, err
	}
	return r.catalogOf(refs, allowedSigners, progress)
}

// catalogOf is the catalog of points that were listed. One that was deleted since is in no
// list: what it held may have been pruned before it was read.
func (r *Repository) catalogOf(refs []PointRef, allowedSigners []byte, progress func(done, total int)) (Catalog, error) {
	var c Catalog
	var read Catalog
	for _, ref := range refs {
		point, err := r.Describe(ref)
		switch {
		case errors.Is(err, ErrUnreadable):
			c.Unreadable = append(c.Unreadable, RejectedPoint{ref, err})
		case err != nil:
			return Catalog{}, err
		default:
			read.Refs, read.Points = append(read.Refs, ref), append(read.Points, point)
		}
	}

	g, err := r.genuinePoints(read.Points, allowedSigners)
	if err != nil {
		return Catalog{}, err
	}
	for i, ref := range read.Refs {
		progress(i, len(read.Refs)) // most of the time goes into signatures
		err := g.check(ref, read.Points[i])
		switch {
		case errors.Is(err, ErrUntrusted), errors.Is(err, ErrRewritten):
			c.Untrusted = append(c.Untrusted, RejectedPoint{ref, err})
		case errors.Is(err, ErrUnreadable):
			c.Unreadable = append(c.Unreadable, RejectedPoint{ref, err})
		case err != nil:
			return Catalog{}, err
		default:
			c.Refs, c.Points = append(c.Refs, ref), append(c.Points, read.Points[i])
		}
	}
	c.Unreadable = slices.DeleteFunc(c.Unreadable, func(p RejectedPoint) bool { return r.vanished(p.Ref) })
	g.sort(&c)
	c.Misdated = retention.Misdated(c.Points)
	return c, nil
}

// vanished reports whether a point that was listed is not there any more.
func (r *Repository) vanished(ref PointRef) bool {
	tag, err := r.git.Tip(ref.refName())
	return errors.Is(err, gitsync.ErrRefNotFound) || err == nil && tag != ref.object()
}

// Rejected are the points that count for nothing.
func (c Catalog) Rejected() []RejectedPoint { return slices.Concat(c.Unreadable, c.Untrusted) }

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
	return appbur.WithHint(err,
		fmt.Sprintf("`appbur repo check --repo %s` tells damage from a tag of somebody else; `appbur points delete %s` takes it away", r.dir,
			ref.ID))
}
