package repository

import (
	"errors"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// TrustStatus says how far a restore point can be believed.
type TrustStatus struct {
	// Signer is who signed the point, "" when no signer is trusted and it was not checked.
	Signer string
	// Tip is where main is.
	Tip gitsync.Hash
	// Seen is the commit of main that was seen last, "" when nothing was.
	Seen gitsync.Hash
	// Commits counts the commits of main since then; their signatures are good.
	Commits int
	// Anchored is when the anchor was made that the history was compared with, "" if
	// it was compared with none.
	Anchored string
	// Accepted is what is wrong with the history and was accepted.
	Accepted string
}

// Trust is what a restore point is compared with.
type Trust struct {
	// KeysDir holds what was seen of the repository.
	KeysDir string
	// Signers is an allowed_signers file. Without one nothing is believed.
	Signers []byte
	// SkipSignatures checks no signatures, because the user said so in as many words.
	SkipSignatures bool
	// Anchor is a record from another place, nil for none.
	Anchor *SignedAnchor
	// AcceptHistory goes on although the history is not the one seen before, or holds
	// commits without a trusted signature. The point's own signature is not waived.
	AcceptHistory bool
}

// VerifyTrust verifies a restore point: the signature of its tag and of its commit, that
// it is a child of main, that main leads back to what was seen last through signed
// commits only, and that it holds what the anchor names. The errors wrap
// [ErrUntrusted] or [ErrRewritten].
func (r *Repository) VerifyTrust(ref PointRef, trust Trust) (TrustStatus, error) {
	var s TrustStatus
	var err error
	switch {
	case trust.SkipSignatures:
		trust.Signers = nil
	case trust.Signers == nil:
		return s, fmt.Errorf("restore point %s: %w", ref.ID, keyring.ErrNobodyTrusted)
	default:
		if s.Signer, err = r.Verify(ref, trust.Signers); err != nil {
			return s, err
		}
	}

	if err := r.verifyBase(ref, trust.Signers); err != nil {
		return s, err
	}
	if err := s.compare(r, ref, trust); err != nil {
		if !trust.AcceptHistory || !errors.Is(err, ErrRewritten) && !errors.Is(err, ErrUntrusted) || errors.Is(err, ErrOtherRepository) {
			return s, err
		}
		s.Accepted = err.Error()
	}
	return s, nil
}

// verifyBase looks at the commit of a point.
func (r *Repository) verifyBase(ref PointRef, allowedSigners []byte) error {
	point, err := r.Describe(ref)
	if err != nil {
		return err
	}
	var signers seal.AllowedSigners
	if allowedSigners != nil {
		if signers, err = parseSigners(allowedSigners); err != nil {
			return err
		}
	}
	return r.verifyPointCommit(ref, point, signers)
}

// verifyPointCommit demands that the commit of a point is a child of the commit that
// its description names and, with signers, that one of them has signed it.
func (r *Repository) verifyPointCommit(ref PointRef, point appbur.RestorePoint, signers seal.AllowedSigners) error {
	commit, err := r.git.ReadCommit(ref.Commit)
	if unreadable(err) {
		err = r.cannotRead(ref, err)
	}
	if err != nil {
		return fmt.Errorf("restore point %s: %w", ref.ID, err)
	}
	if len(commit.Parents) != 1 || commit.Parents[0].String() != point.Manifests {
		return fmt.Errorf("restore point %s: %w: its commit is no child of the commit %.12s that its description names", ref.ID, ErrUntrusted,
			point.Manifests)
	}
	if signers == nil {
		return nil
	}
	if err := verifyCommit(commit, signers); err != nil {
		return fmt.Errorf("restore point %s: %w", ref.ID, err)
	}
	return nil
}

// compare looks at main.
func (s *TrustStatus) compare(r *Repository, ref PointRef, trust Trust) error {
	h, err := r.History(trust.KeysDir)
	s.Tip, s.Seen = h.Tip, h.Seen.Commit
	if err != nil {
		return err
	}
	point, err := r.Describe(ref)
	if err != nil {
		return err
	}

	base := manifestsOf(point)
	descends, err := r.git.Between(h.Tip, base, func(gitsync.Commit) error { return nil })
	if err != nil {
		return err
	}
	if !descends {
		return because(ReasonRewritten, fmt.Errorf("%w: restore point %s was made of the commit %s, which main at %s does not hold",
			ErrRewritten, ref.ID,
			base.Short(), h.Tip.Short()))
	}

	if trust.Signers != nil {
		if err := h.Verify(trust.Signers); err != nil {
			return err
		}
	}
	s.Commits = len(h.New)
	if trust.Anchor == nil {
		return nil
	}

	if trust.Signers != nil {
		if _, err := trust.Anchor.Verify(trust.Signers); err != nil {
			return err
		}
	}
	if _, err := r.Contains(trust.Anchor.Anchor); err != nil {
		return err
	}
	s.Anchored = trust.Anchor.Time.Format(anchorTime)
	return nil
}
