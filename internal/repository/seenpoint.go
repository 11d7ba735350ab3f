package repository

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// shownPoints is how many restore points an error names.
const shownPoints = 6

// The newest complete restore point that was seen is remembered beside main, under the
// short name of its tag. Retention never takes the newest complete point away, so one
// that is gone without a newer one was taken away by somebody.

// seenPoint returns the point that a key directory remembers.
func seenPoint(dir string) (keyring.Seen, bool, error) {
	if dir == "" {
		return keyring.Seen{}, false, nil
	}
	list, err := keyring.ReadSeen(dir)
	for _, s := range list {
		if strings.HasPrefix(s.Name, appbur.RestorePointTagPrefix) {
			return s, true, err
		}
	}
	return keyring.Seen{}, false, err
}

// RememberPoint notes a complete point as the newest that was seen, in the key
// directory.
func (r *Repository) RememberPoint(dir string, point PointRef, at time.Time) error {
	list, err := keyring.ReadSeen(dir)
	if err != nil {
		return err
	}
	fresh := keyring.Seen{Name: point.ID.Tag(), Commit: point.object(), At: at, Repository: string(r.config.Repository)}
	for _, s := range list {
		if s.Name == fresh.Name && s.Commit == fresh.Commit && s.Repository == fresh.Repository {
			return nil
		}
	}
	list = slices.DeleteFunc(list, func(s keyring.Seen) bool { return strings.HasPrefix(s.Name, appbur.RestorePointTagPrefix) })
	return keyring.WriteSeen(dir, append(list, fresh))
}

// CheckLatest refuses a point as the latest while a newer one is known that is not
// there any more and that was not deleted here: the one that was seen last, or those
// that the anchor names. The error wraps [ErrRewritten]. The zero PointRef means
// no point at all.
func (r *Repository) CheckLatest(latest PointRef, keysDir string, anchor *SignedAnchor) error {
	var known []AnchoredPoint
	seen, found, err := seenPoint(keysDir)
	if err != nil {
		return err
	}
	if id, err := appbur.ParseRestorePointID(seen.Name); found && err == nil && seen.Repository == string(r.config.Repository) {
		known = append(known, AnchoredPoint{id, seen.Commit})
	}
	if anchor != nil {
		known = append(known, anchor.Points...)
	}
	if len(known) == 0 {
		return nil
	}

	gone, err := r.takenAway(known, latest)
	if err != nil || len(gone) == 0 {
		return err
	}
	left := "and no point is left"
	if latest.ID != "" {
		left = "and the newest that is left is " + string(latest.ID)
	}
	return because(ReasonTakenAway, fmt.Errorf("%w: restore points that were here were taken away or replaced: %s; %s", ErrRewritten,
		appbur.Shortlist(gone, shownPoints), left))
}

// takenAway are those of some points that are newer than the latest and not there as
// they were. What was deleted here is told by the list that remotes are told by.
func (r *Repository) takenAway(known []AnchoredPoint, latest PointRef) ([]string, error) {
	deleted, err := r.deletedPoints()
	if err != nil {
		return nil, err
	}
	var gone []string

	for _, p := range known {
		tip, err := r.git.Tip("refs/tags/" + p.ID.Tag())
		switch {
		case err == nil && tip == p.Tag:
			continue
		case err != nil && !errors.Is(err, gitsync.ErrRefNotFound) && !errors.Is(err, gitsync.ErrCorrupt):
			return nil, err
		case err != nil && (p.ID <= latest.ID || deleted[p.ID.Tag()]):
			continue
		}
		if !slices.Contains(gone, string(p.ID)) {
			gone = append(gone, string(p.ID))
		}
	}

	return gone, nil
}
