package repository

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

const (
	// Latest is the name of the newest point that is not partial.
	Latest = "latest"
	// LatestPartial is the name of the newest point that can be read, partial or not.
	LatestPartial = "latest-partial"
)

// ErrNoPoint means that the repository holds no such restore point.
var ErrNoPoint = errors.New("no such restore point")

// ErrUntrusted means that a signature is missing, wrong, or by somebody who is not
// trusted.
var ErrUntrusted = errors.New("the signature cannot be trusted")

// PointRef is a restore point before it is read. Whoever may write tags can make one
// that cannot be: [Repository.Describe] tells.
type PointRef struct {
	ID appbur.RestorePointID
	// Commit is "" when the tag itself is damaged.
	Commit gitsync.Hash
	Tagged time.Time
	tag    gitsync.Tag
}

// Points lists the restore points, newest first, also those that cannot be read.
func (r *Repository) Points() ([]PointRef, error) {
	tags, err := r.git.Tags(appbur.RestorePointTagPrefix)
	if err != nil {
		return nil, err
	}
	var refs []PointRef
	for _, tag := range tags {
		id, err := appbur.ParseRestorePointID(tag.Name)
		if err != nil {
			continue // somebody's own tag below the prefix
		}
		refs = append(refs, PointRef{ID: id, Commit: tag.Commit, Tagged: tag.Time, tag: tag})
	}
	slices.SortFunc(refs, func(a, b PointRef) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return refs, nil
}

// Resolve finds a point by its id, its tag or the word latest. A partial point is
// never latest; latest-partial asks for the newest whatever it is. One that cannot be
// read is neither.
func (r *Repository) Resolve(name string) (PointRef, error) {
	refs, err := r.Points()
	if err != nil {
		return PointRef{}, err
	}
	if name == Latest || name == LatestPartial {
		return r.latest(refs, name == LatestPartial)
	}
	id, err := appbur.ParseRestorePointID(name)
	if err != nil {
		return PointRef{}, appbur.WithHint(fmt.Errorf("%w: %w", ErrNoPoint, err), "`appbur points list --repo "+r.dir+"` shows what there is")
	}
	for _, ref := range refs {
		if ref.ID == id {
			return ref, nil
		}
	}
	return PointRef{}, r.noPoint(id)
}

// latest finds the newest point that can be read, and that is complete unless partial
// ones count. Points are sorted newest first.
func (r *Repository) latest(refs []PointRef, partial bool) (PointRef, error) {
	var found []PointRef
	for _, ref := range refs {
		description, err := r.Describe(ref)
		switch {
		case errors.Is(err, ErrUnreadable):
		case err != nil:
			return PointRef{}, err
		case partial || !description.Partial:
			return ref, nil
		default:
			found = append(found, ref)
		}
	}
	switch {
	case len(found) > 0:
		return PointRef{}, appbur.WithHint(fmt.Errorf("%w: all %d points that can be read are partial, and a partial point is never latest", ErrNoPoint, len(found)),
			fmt.Sprintf("name one to use it nevertheless, for example %s, or %s", found[0].ID, LatestPartial))
	case len(refs) > 0:
		return PointRef{}, appbur.WithHint(fmt.Errorf("%w: none of the %d points can be read", ErrNoPoint, len(refs)), "`appbur points list --repo "+r.dir+"` says why")
	default:
		return PointRef{}, appbur.WithHint(fmt.Errorf("%w: the repository has none yet", ErrNoPoint), "make one with `appbur backup --repo "+r.dir+"`")
	}
}

// Verify checks the signature of a point's tag against a trust root in the format
// of allowed_signers. The tag names the commit, and the commit everything else,
// so one signature covers the whole point. Lines of the trust root that are valid for
// a time only are compared with the date of the tag, as git does; whoever holds the
// key can choose that date. It returns who signed.
func (r *Repository) Verify(ref PointRef, allowedSigners []byte) (principal string, err error) {
	signers, err := parseSigners(allowedSigners)
	if err != nil {
		return "", err
	}
	return r.verifyTag(ref, signers)
}

func (r *Repository) verifyTag(ref PointRef, signers seal.AllowedSigners) (principal string, err error) {
	if ref.tag.Damage != nil {
		return "", fmt.Errorf("restore point %s: %w", ref.ID, r.cannotRead(ref, ref.tag.Damage))
	}
	if len(ref.tag.Signature) == 0 {
		return "", appbur.WithHint(fmt.Errorf("%w: %s is not signed", ErrUntrusted, ref.ID), "only points that appbur wrote are signed; somebody else may have made this tag")
	}
	if principal, err = signers.Verify(ref.tag.Payload, ref.tag.Signature, ref.Tagged); err != nil {
		return "", appbur.WithHint(fmt.Errorf("%w: %s: %w", ErrUntrusted, ref.ID, err), "pass --trust FILE with the allowed_signers of the machine that takes the backups")
	}
	return principal, nil
}
