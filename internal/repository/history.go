package repository

import (
	"errors"
	"fmt"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// ErrRewritten means that the history is not the one that was there before: commits
// or points that were seen, or that an anchor names, are missing or replaced.
var ErrRewritten = errors.New("the history was rewritten or cut off")

// History is main compared with what was seen of it last.
type History struct {
	Tip gitsync.Hash
	// Seen is the zero value when the repository was never seen with these keys.
	Seen keyring.Seen
	// New are the commits since then, newest first.
	New []gitsync.Commit
}

// First reports whether nothing was remembered to compare with.
func (h History) First() bool { return h.Seen.Commit.IsZero() }

// Main is the newest commit of main.
func (r *Repository) Main() (gitsync.Hash, error) { return r.git.Tip(gitsync.MainRef) }

// History compares main with what the key directory remembers. It reads the commits
// since then and nothing else. The error wraps [ErrRewritten] if the tip does not
// descend from what was seen.
func (r *Repository) History(keysDir string) (History, error) {
	// What was seen comes first: another writer may commit and remember it in between, and
	// an older tip does not lead to a newer commit.
	seen, known, seenErr := keyring.LastSeen(keysDir, SeenMain)
	tip, err := r.git.Tip(gitsync.MainRef)
	if err != nil {
		return History{}, err
	}
	h := History{Tip: tip}
	if seenErr != nil || !known {
		return h, seenErr
	}
	h.Seen = seen

	if err := r.checkKeysAreOfThis(keysDir); err != nil {
		return h, err
	}
	descends, err := r.git.Between(tip, seen.Commit, func(c gitsync.Commit) error {
		h.New = append(h.New, c)
		return nil
	})
	if err != nil {
		return h, err
	}

	if !descends {
		h.New = nil
		return h, because(ReasonRewritten, fmt.Errorf("%w: main is at %s, which does not lead back to %s, seen %s",
			ErrRewritten, tip.Short(), seen.Commit.Short(), seen.At.UTC().Format("2006-01-02 15:04:05Z")))
	}
	return h, nil
}

// verifyCommit checks the signature of one commit.
func verifyCommit(c gitsync.Commit, signers seal.AllowedSigners) error {
	if len(c.Signature) == 0 {
		return fmt.Errorf("%w: commit %s (%s) is not signed", ErrUnsigned, c.Hash.Short(), c.Subject())
	}
	if _, err := signers.Verify(c.Payload, c.Signature, c.Time); err != nil {
		return fmt.Errorf("%w: commit %s (%s): %w", ErrUntrusted, c.Hash.Short(), c.Subject(), err)
	}
	return nil
}

// Verify checks the signature of every commit that came after what was seen last.
func (h History) Verify(allowedSigners []byte) error {
	signers, err := seal.ParseAllowedSigners(allowedSigners)
	if err != nil {
		return &keyring.Error{Err: fmt.Errorf("trusted signers: %w", err)}
	}
	for _, c := range h.New {
		if err := verifyCommit(c, signers); err != nil {
			return because(ReasonUntrustedCommit, err)
		}
	}
	return nil
}

// guardHistory runs before anything is written: the history is the one that was seen,
// and its appbur.yaml may be obeyed. Without the second, whoever can push a commit could
// read the Secrets of the next backup. It returns the tip that it judged, on which the
// caller builds; what was accepted comes back as text for the commit that records it.
func (r *Repository) guardHistory(keys *keyring.Keys, accept bool) (tip gitsync.Hash, accepted string, err error) {
	h, err := r.History(keys.Dir)
	switch {
	case errors.Is(err, ErrRewritten) && accept:
		accepted = fmt.Sprintf("accepted the history at %s, which does not lead back to %s", h.Tip, h.Seen.Commit)
	case err != nil:
		return gitsync.Hash{}, "", err
	}
	return h.Tip, accepted, r.guardPolicy(keys, h.Tip)
}
