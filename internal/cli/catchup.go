package cli

import (
	"context"
	"fmt"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// catchUp brings a copy up to what a daemon has pushed meanwhile, before something is done that cannot be undone when the
// next push is refused. A remote that does not answer may have more: that is said, and does not stop a person.
func (e *env) catchUp(ctx context.Context, repo *repository.Repository, keys *keyring.Keys) error {
	remotes, err := repo.Remotes()
	if err != nil || len(remotes) == 0 {
		return err
	}
	done, err := repo.Refresh(ctx, keys, repository.RefreshOptions{Remote: e.remoteOptions(), Now: e.now})
	if err != nil {
		return err
	}

	for _, r := range done.Remotes {
		switch {
		case r.Err() == nil && r.Commits+r.Points > 0:
			e.say("fetched        %s from remote %s", count(r.Commits, "commit"), r.Remote)
		case r.Err() != nil && r.Answered():
			return fmt.Errorf("nothing was changed, because this copy does not have what the remote has: %w", r.Err())
		case r.Err() != nil:
			e.warnWithHint(fmt.Sprintf("this copy may lack what a remote has: %v", r.Err()), hintOf(r.Err()))
		}
	}
	return nil
}
