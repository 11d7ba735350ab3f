package repository

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// ErrLastGood means that a deletion would leave an application, or the cluster,
// without a good restore point.
var ErrLastGood = errors.New("the last good restore point stays")

// Described are the descriptions of all points, newest first, with the points
// themselves.
func (r *Repository) Described() ([]PointRef, []appbur.RestorePoint, error) {
	refs, err := r.Points()
	if err != nil {
		return nil, nil, err
	}
	points := make([]appbur.RestorePoint, len(refs))
	for i, ref := range refs {
		if points[i], err = r.Describe(ref); err != nil {
			return nil, nil, err
		}
	}
	return refs, points, nil
}

// DeletePoints deletes restore points: their tags, and nothing else now. What only
// they held is freed by the next maintenance; main and its history stay.
//
// It refuses, with [ErrLastGood], to leave the cluster or an application without a good
// point that it has now, unless lastGood says so. Either all points go or, if somebody else changes points at the
// same time, none.
func (r *Repository) DeletePoints(ctx context.Context, ids []appbur.RestorePointID, lastGood bool) error {
	refs, points, err := r.Described()
	if err != nil {
		return err
	}
	gone := map[string]gitsync.Hash{}
	for _, id := range ids {
		i := slices.IndexFunc(refs, func(ref PointRef) bool { return ref.ID == id })
		if i < 0 {
			return r.noPoint(id)
		}
		gone[refs[i].refName()] = refs[i].object()
	}
	var restRefs []PointRef
	var rest []appbur.RestorePoint
	for i, ref := range refs {
		if _, going := gone[ref.refName()]; !going {
			restRefs, rest = append(restRefs, ref), append(rest, points[i])
		}
	}
	before, after := bestHolders(points), bestHolders(rest)
	for _, held := range slices.SortedFunc(maps.Keys(before), func(a, b holding) int { return strings.Compare(a.String(), b.String()) }) {
		was := before[held]
		if at, still := after[held]; lastGood || still && (points[was].Partial || !rest[at].Partial) {
			continue
		}
		return appbur.WithHint(fmt.Errorf("%w: no good state of %s would be left without %s", ErrLastGood, held, refs[was].ID),
			"make a new point first, or pass --last-good to delete it nevertheless")
	}
	// Whoever deletes at the same time must not take what this deletion relies on.
	kept := map[string]gitsync.Hash{}
	for _, at := range after {
		kept[restRefs[at].refName()] = restRefs[at].object()
	}
	if err := r.git.DeleteRefs(ctx, gone, kept); err != nil {
		if errors.Is(err, gitsync.ErrRefMoved) {
			return appbur.WithHint(err, "somebody else changed restore points at the same time; look at the list and try again")
		}
		return err
	}
	return nil
}

// refName is the full name of the point's tag.
func (p PointRef) refName() string { return "refs/tags/" + p.ID.Tag() }

// object is what the tag's ref holds.
func (p PointRef) object() gitsync.Hash {
	if p.tag.Object != "" {
		return p.tag.Object
	}
	return p.Commit // a lightweight tag
}

func (r *Repository) noPoint(id appbur.RestorePointID) error {
	return appbur.WithHint(fmt.Errorf("%w: %s", ErrNoPoint, id), "`appbur points list --repo "+r.dir+"` shows what there is")
}
