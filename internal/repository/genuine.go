package repository

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// genuine tells restore points that somebody trusted has made, of a commit that main
// holds, from those that anybody with write access may have put there.
type genuine struct {
	repo    *Repository
	signers seal.AllowedSigners
	// age numbers the commits of main that points are of; see [gitsync.Repository.Ancestry].
	age map[gitsync.Hash]int
	// history is why main cannot be read to its end, nil if it can.
	history error
}

// genuinePoints looks at main once, for the points at the given refs. Signers are an
// allowed_signers file; nil checks no signatures.
func (r *Repository) genuinePoints(points []appbur.RestorePoint, allowedSigners []byte) (*genuine, error) {
	g := &genuine{repo: r}
	var err error
	if allowedSigners != nil {
		if g.signers, err = parseSigners(allowedSigners); err != nil {
			return nil, err
		}
	}
	tip, err := r.git.Tip(gitsync.MainRef)
	if err != nil {
		return nil, err
	}

	bases := make([]gitsync.Hash, len(points))
	for i, point := range points {
		bases[i] = manifestsOf(point)
	}
	if g.age, err = r.git.Ancestry(tip, bases...); unreadable(err) {
		g.history, err = err, nil // what is behind the damage is not known to be good
	}
	return g, err
}

func parseSigners(allowedSigners []byte) (seal.AllowedSigners, error) {
	signers, err := seal.ParseAllowedSigners(allowedSigners)
	if err != nil {
		return nil, &keyring.Error{Err: fmt.Errorf("trusted signers: %w", err)}
	}
	return signers, nil
}

// sort puts points in the order of history, newest first: by the commit of main that
// they are of, then by their sequence. The time, which is that of a clock that may be
// wrong, decides only between points of one commit that have no sequence.
func (g *genuine) sort(c *Catalog) {
	order := make([]int, len(c.Points))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := c.Points[i], c.Points[j]
		return cmp.Or(cmp.Compare(g.ageOf(a), g.ageOf(b)), cmp.Compare(b.Sequence, a.Sequence), b.Created.Compare(a.Created),
			cmp.Compare(b.ID, a.ID))
	})

	refs, points := make([]PointRef, len(order)), make([]appbur.RestorePoint, len(order))
	for to, from := range order {
		refs[to], points[to] = c.Refs[from], c.Points[from]
	}
	c.Refs, c.Points = refs, points
}

// ageOf is how old the commit of a point is. One that main does not hold is older than
// all of main: it is not part of this history.
func (g *genuine) ageOf(point appbur.RestorePoint) int {
	if age, held := g.age[manifestsOf(point)]; held {
		return age
	}
	return math.MaxInt
}

// check returns why a point does not count; the error wraps [ErrUntrusted] or
// [ErrRewritten]. Without signers all points count.
func (g *genuine) check(ref PointRef, point appbur.RestorePoint) error {
	if g.signers == nil {
		return nil
	}
	if _, err := g.repo.verifyTag(ref, g.signers); err != nil {
		return err
	}
	if err := g.repo.verifyPointCommit(ref, point, g.signers); err != nil {
		return err
	}
	if _, held := g.age[manifestsOf(point)]; held {
		return nil
	}

	err := fmt.Errorf("%w: restore point %s was made of the commit %s, which main does not hold", ErrRewritten, ref.ID,
		manifestsOf(point).Short())
	return errors.Join(err, g.history)
}

// ownCatalog is the points that a writer may build on. What is taken over
// from a point is signed anew as ours, so it must be of somebody whom we believe: the
// name of a piece is known to whoever has seen a point, and anybody can encrypt other
// content to our recipients.
func (r *Repository) ownCatalog(keys *keyring.Keys) (Catalog, error) {
	trusted, err := keys.Trusted()
	if err != nil {
		return Catalog{}, err
	}
	return r.Catalog(trusted)
}

// OwnPoints are the restore points that these keys or those that they trust have signed, newest first
// by history.
func (r *Repository) OwnPoints(keys *keyring.Keys) ([]appbur.RestorePoint, error) {
	all, err := r.ownCatalog(keys)
	return all.Points, err
}
