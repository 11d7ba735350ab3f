package repository

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/retention"
	"github.com/appbur/appbur/pkg/gitsync"
)

// ErrLastGood means that a deletion would leave an application, or the cluster,
// without a good restore point.
var ErrLastGood = errors.New("the last good restore point stays")

// DeletePoints deletes restore points: their tags, and nothing else now. What only
// they held is freed by the next maintenance; main and its history stay.
//
// It refuses, with [ErrLastGood], to leave the cluster or an application without a good
// point that it has now, unless lastGood says so. Only points that are signed by
// somebody in the allowed_signers file are good: whoever can push can make others, and
// must not push the good ones out with them. Either all points go or, if somebody else
// changes points at the same time, none.
func (r *Repository) DeletePoints(ctx context.Context, ids []appbur.RestorePointID, allowedSigners []byte, lastGood bool) error {
	d, err := r.deletion(ids, allowedSigners)
	if err != nil {
		return err
	}
	if !lastGood {
		if err := d.check(allowedSigners); err != nil {
			return err
		}
	}

	for _, ref := range d.gone {
		if ref.object().IsZero() {
			return appbur.WithHint(fmt.Errorf("%w: %w", ErrUnreadable, ref.tag.Damage),
				"the ref itself is damaged; delete the file "+filepath.Join(r.dir, ref.refName()))
		}
	}

	if err := r.git.WithRoom(func() error { return r.NoteDeleted(d.gone...) }); err != nil {
		return err
	}
	if err := r.git.WithRoom(r.wantPrune); err != nil {
		return err
	}
	gone, kept := d.refs()
	err = r.git.DeleteRefs(ctx, gone, kept)
	if errors.Is(err, gitsync.ErrRefMoved) {
		return appbur.WithHint(err, "somebody else changed restore points at the same time; look at the list and try again")
	}
	return err
}

// MayDelete returns what [Repository.DeletePoints] would refuse, without deleting.
func (r *Repository) MayDelete(ids []appbur.RestorePointID, allowedSigners []byte) error {
	d, err := r.deletion(ids, allowedSigners)
	if err != nil {
		return err
	}
	return d.check(allowedSigners)
}

// deletion is which points go and which are left, both newest first. Points that
// count for nothing are only among those that go.
type deletion struct {
	points   []appbur.RestorePoint // all that count
	gone     []PointRef
	restRefs []PointRef
	rest     []appbur.RestorePoint
}

func (r *Repository) deletion(ids []appbur.RestorePointID, allowedSigners []byte) (deletion, error) {
	all, err := r.Catalog(allowedSigners)
	if err != nil {
		return deletion{}, err
	}

	d := deletion{points: all.Points}
	for i, ref := range all.Refs {
		if slices.Contains(ids, ref.ID) {
			d.gone = append(d.gone, ref)
		} else {
			d.restRefs, d.rest = append(d.restRefs, ref), append(d.rest, all.Points[i])
		}
	}

	for _, rejected := range all.Rejected() {
		if slices.Contains(ids, rejected.Ref.ID) {
			d.gone = append(d.gone, rejected.Ref)
		}
	}

	for _, id := range ids {
		if !slices.ContainsFunc(d.gone, func(ref PointRef) bool { return ref.ID == id }) {
			return deletion{}, r.noPoint(id)
		}
	}
	return d, nil
}

// refs are what is deleted, and what has to be there still when that happens: whoever
// deletes at the same time must not take what this deletion relies on.
func (d deletion) refs() (gone, kept map[string]gitsync.Hash) {
	gone, kept = map[string]gitsync.Hash{}, map[string]gitsync.Hash{}
	for _, ref := range d.gone {
		gone[ref.refName()] = ref.object()
	}
	for _, at := range retention.NewestGood(d.rest) {
		kept[d.restRefs[at].refName()] = d.restRefs[at].object()
	}
	return gone, kept
}

// check refuses to lose the last good state of anything.
func (d deletion) check(allowedSigners []byte) error {
	if len(allowedSigners) == 0 {
		return NobodyTrusted()
	}
	before, after := retention.NewestGood(d.points), retention.NewestGood(d.rest)
	for _, held := range retention.Sorted(before) {
		was := d.points[before[held]]
		if at, still := after[held]; still && (was.Partial || !d.rest[at].Partial) {
			continue
		}
		return because(ReasonLastGood, fmt.Errorf("%w: no good state of %s would be left without %s", ErrLastGood, held, was.ID))
	}
	return nil
}

// NobodyTrusted says that a deletion cannot be decided, because no signer is trusted.
func NobodyTrusted() error {
	return because(ReasonNobodyTrusted, fmt.Errorf(
		"%w: nobody is trusted, so no restore point is known to be good, and none is deleted because of others",
		ErrUntrusted))
}
