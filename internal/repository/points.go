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

// ErrUnsigned is the [ErrUntrusted] of what has no signature at all: no signer claims to have
// made it, so no claim is false.
var ErrUnsigned error = unsigned{}

type unsigned struct{}

func (unsigned) Error() string        { return "there is no signature" }
func (unsigned) Is(target error) bool { return target == ErrUntrusted }

// PointRef is a restore point before it is read. Whoever may write tags can make one
// that cannot be: [Repository.Describe] tells.
type PointRef struct {
	ID appbur.RestorePointID
	// Commit is "" when the tag itself is damaged.
	Commit gitsync.Hash
	Tagged time.Time
	tag    gitsync.Tag
}

// Points lists the restore points by id, greatest first, also those that cannot be
// read. [Repository.Catalog] knows their order.
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

// Resolve finds a point by its id, its tag or the word latest, whoever made it.
func (r *Repository) Resolve(name string) (PointRef, error) {
	if name == Latest || name == LatestPartial {
		ref, _, err := r.ResolveLatest(name, nil)
		return ref, err
	}
	refs, err := r.Points()
	if err != nil {
		return PointRef{}, err
	}
	id, err := appbur.ParseRestorePointID(name)
	if err != nil {
		return PointRef{}, &Error{Reason: ReasonUnknownPoint, Dir: r.dir, Err: fmt.Errorf("%w: %w", ErrNoPoint, err)}
	}
	for _, ref := range refs {
		if ref.ID == id {
			return ref, nil
		}
	}
	return PointRef{}, r.noPoint(id)
}

// ResolveLatest finds the point that [Latest] or [LatestPartial] means: the newest
// by history. A partial point is never latest; latest-partial asks for the newest
// whatever it is. One that cannot be read is neither, nor with an allowed_signers file
// one without a signature of theirs: those that look newer are returned as well, to be
// told.
func (r *Repository) ResolveLatest(name string, allowedSigners []byte) (latest PointRef, passed []RejectedPoint, err error) {
	all, err := r.Catalog(allowedSigners)
	if err != nil {
		return PointRef{}, nil, err
	}
	for i, ref := range all.Refs {
		if all.Points[i].Partial && name != LatestPartial {
			continue
		}
		for _, rejected := range all.Rejected() {
			if rejected.Ref.ID > ref.ID {
				passed = append(passed, rejected)
			}
		}
		return ref, passed, nil
	}
	return PointRef{}, nil, r.noLatest(all)
}

// noLatest says why none of the points is the latest.
func (r *Repository) noLatest(all Catalog) error {
	switch {
	case len(all.Refs) > 0:
		return appbur.WithHint(fmt.Errorf("%w: all %d points that can be read are partial, and a partial point is never latest", ErrNoPoint,
			len(all.Refs)),
			fmt.Sprintf("name one to use it nevertheless, for example %s, or %s", all.Refs[0].ID, LatestPartial))
	case len(all.Untrusted) > 0:
		return &Error{
			Reason: ReasonNoGoodPoint, Dir: r.dir,
			Err: fmt.Errorf("none of the %d restore points counts: %w", len(all.Rejected()), all.Untrusted[0].Err),
		}
	case len(all.Unreadable) > 0:
		return &Error{
			Reason: ReasonNoGoodPoint, Dir: r.dir,
			Err: fmt.Errorf("%w: none of the %d points can be read", ErrNoPoint, len(all.Unreadable)),
		}
	default:
		return &Error{Reason: ReasonNoPoint, Dir: r.dir, Err: fmt.Errorf("%w: the repository has none yet", ErrNoPoint)}
	}
}

// Verify checks the signature of a point's tag against a trust root in the format
// of allowed_signers. The tag names the commit, and the commit everything else,
// so one signature covers the complete point. Lines of the trust root that are valid for
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
		return "", appbur.WithHint(fmt.Errorf("%w: %s is not signed", ErrUnsigned, ref.ID),
			"only points that appbur wrote are signed; somebody else may have made this tag")
	}
	if principal, err = signers.Verify(ref.tag.Payload, ref.tag.Signature, ref.Tagged); err != nil {
		return "", because(ReasonUntrustedPoint, fmt.Errorf("%w: %s: %w", ErrUntrusted, ref.ID, err))
	}
	return principal, nil
}

// refName is the full name of the point's tag.
func (p PointRef) refName() string { return "refs/tags/" + p.ID.Tag() }

// object is what the tag's ref holds.
func (p PointRef) object() gitsync.Hash {
	if !p.tag.Object.IsZero() {
		return p.tag.Object
	}
	return p.Commit // a lightweight tag
}

func (r *Repository) noPoint(id appbur.RestorePointID) error {
	return &Error{Reason: ReasonUnknownPoint, Dir: r.dir, Err: fmt.Errorf("%w: %s", ErrNoPoint, id)}
}
