package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// ErrNotJoined means that a remote and this copy have gone on from the same commit, and that nobody may decide without
// being asked that both shall count.
var ErrNotJoined = errors.New("the remote has another history, which is not joined with this one")

// join continues main and what a remote has instead of it with one commit. The files are those of the newer tip; a
// daemon that watches the cluster corrects what neither has.
func (r *Repository) join(ctx context.Context, keys *keyring.Keys, remote string, theirs gitsync.Hash, at time.Time) (bool, error) {
	ours, err := r.Main()
	if err != nil {
		return false, err
	}
	fresh, err := r.git.Only(theirs, ours)
	if err != nil || len(fresh) == 0 { // joined through another remote by now
		return false, err
	}
	if err := mayJoin(keys, fresh); err != nil {
		return false, because(ReasonNotJoined, fmt.Errorf("%w: %w", ErrNotJoined, err))
	}
	files, err := r.filesToJoin(ours, theirs, fresh)
	if err == nil {
		// The commit that joins them is appbur's, which signs no settings that no user has agreed to.
		err = r.guardPolicy(keys, files)
	}
	if err != nil {
		return false, because(ReasonNotJoined, fmt.Errorf("%w: %w", ErrNotJoined, err))
	}

	_, err = r.git.Join(ctx, gitsync.MainRef, ours, theirs, files, gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: at, Signer: keys.Signer(),
		Subject: "Join the history of a remote",
		Body: fmt.Sprintf("The remote %s had %s, and this copy had %s: both were written while neither reached the other.", remote,
			theirs, ours),
		Trailers: []gitsync.Trailer{{Key: trailerActor, Value: string(actor.Unresolved)}},
	})
	return err == nil, err
}

// mayJoin demands of the commits that only a remote has that somebody trusted has made each of them, and that they have the
// same beginning.
func mayJoin(keys *keyring.Keys, fresh []gitsync.Commit) error {
	trusted, err := keys.Trusted()
	if err != nil {
		return err
	}
	signers, err := seal.ParseAllowedSigners(trusted)
	if err != nil {
		return &keyring.Error{Err: fmt.Errorf("trusted signers: %w", err)}
	}
	for _, c := range fresh {
		if err := verifyCommit(c, signers); err != nil {
			return err
		}
		if len(c.Parents) == 0 {
			return fmt.Errorf("it begins with a commit of its own, %s", c.Hash.Short())
		}
	}
	return nil
}
