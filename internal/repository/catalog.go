package repository

import (
	"errors"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/retention"
	"github.com/appbur/appbur/pkg/gitsync"
)

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
	// Untrusted points can be read, and they have no trusted signature, or main does not
	// hold what they were made of. Whoever can push can make such points, so they too
	// count as good for nothing.
	Untrusted []RejectedPoint
}

// Catalog reads the descriptions of all points and, with an allowed_signers file,
// verifies their signatures. Without one every point that can be read counts, so no
// deletion may rest on it.
func (r *Repository) Catalog(allowedSigners []byte) (Catalog, error) {
	return r.CatalogWithProgress(allowedSigners, func(int, int) {})
}

// CatalogWithProgress is Catalog, and reports how many points of how many were looked at.
func (r *Repository) CatalogWithProgress(allowedSigners []byte, progress func(done, total int)) (Catalog, error) {
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
