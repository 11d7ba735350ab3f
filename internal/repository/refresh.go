package repository

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// RefreshOptions are the surroundings of a refresh.
type RefreshOptions struct {
	Remote gitsync.RemoteOptions
	// Patience is how long the other remotes are waited for once one has answered; zero waits for all of
	// them. Those that are not waited for count as not reached.
	Patience time.Duration
	Now      func() time.Time
}

// RefreshResult is what came from one remote.
type RefreshResult struct {
	Remote string
	// State is how the remote was related to this copy: newer ([gitsync.RemoteAhead]), older, the same, empty, another
	// history ([gitsync.RemoteDiverged]), or why it could not be asked.
	State gitsync.RemoteState
	// Commits and Points came from it.
	Commits, Points int
	// Joined is true for another history that both sides continue from now on.
	Joined bool

	tip gitsync.Hash
	err error
}

// Err returns why the copy does not have what the remote has, nil if it does.
func (r RefreshResult) Err() error { return r.err }

// Answered reports whether the remote said what it has.
func (r RefreshResult) Answered() bool { return r.err == nil || r.State == gitsync.RemoteDiverged }

// Refreshed is what a refresh found and did.
type Refreshed struct {
	Remotes []RefreshResult
	// From and To are main before and after.
	From, To gitsync.Hash
}

// Unanswered are the remotes that could not be asked.
func (d Refreshed) Unanswered() []RefreshResult {
	var list []RefreshResult
	for _, r := range d.Remotes {
		if !r.Answered() {
			list = append(list, r)
		}
	}
	return list
}

// Refresh brings this copy up to the newest state of its remotes: whatever another copy pushed there is
// here afterwards. It is for a process that begins to write, before [Repository.Begin]; nothing of
// this copy is lost by it:
//
//   - A remote that is newer is followed.
//   - A remote that is older gets the rest by the next push.
//   - A remote where others have gone on while this copy did as well is joined with it: a commit that has both as
//     parents, with the files of the newer one, or of the one where somebody has changed the settings. Both histories stay,
//     and each remote takes the next push. That is done only if everything that is only there is signed by somebody trusted
//     and continues the same beginning, and not both have changed the settings; otherwise neither is touched, and the error
//     says why.
//
// What a remote does is in the result; the error is about this side only.
func (r *Repository) Refresh(ctx context.Context, keys *keyring.Keys, o RefreshOptions) (Refreshed, error) {
	remotes, err := r.Remotes()
	if err != nil {
		return Refreshed{}, err
	}
	deleted, err := r.deletedTags()
	if err != nil {
		return Refreshed{}, err
	}
	done := Refreshed{Remotes: make([]RefreshResult, len(remotes))}
	if done.From, err = r.Main(); err != nil {
		return done, err
	}

	what := gitsync.FetchWhat{
		Branch: gitsync.MainRef, TagPrefix: appbur.RestorePointTagPrefix, Besides: drillTagPrefix, Deleted: deleted,
	}
	r.fetchAll(ctx, keys.Dir, remotes, what, o, done.Remotes)
	if err := ctx.Err(); err != nil {
		return done, fmt.Errorf("refresh: %w", err)
	}
	for i := range done.Remotes {
		if result := &done.Remotes[i]; result.State == gitsync.RemoteDiverged {
			result.Joined, result.err = r.join(ctx, keys, result.Remote, result.tip, o.Now())
		}
	}
	for _, result := range done.Remotes {
		if err := r.takeNotes(ctx, keys, result.Remote, o.Now()); err != nil {
			return done, err
		}
	}
	if done.To, err = r.Main(); err != nil {
		return done, err
	}

	config, err := r.configAt(done.To)
	if err != nil {
		return done, err
	}
	r.config, r.tip = config, done.To
	r.rememberFetched(keys.Dir, done, o.Now())
	return done, nil
}

// fetchAll asks all remotes at once. Refs move one after the other, under the lock of the repository.
func (r *Repository) fetchAll(ctx context.Context, keysDir string, remotes []Remote, what gitsync.FetchWhat, o RefreshOptions,
	results []RefreshResult,
) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	impatient := sync.OnceFunc(func() {
		if o.Patience > 0 {
			timer := time.AfterFunc(o.Patience, func() { cancel(errImpatient) })
			context.AfterFunc(ctx, func() { timer.Stop() })
		}
	})
	var workers sync.WaitGroup
	for i, remote := range remotes {
		workers.Go(func() {
			results[i] = r.fetchFrom(ctx, keysDir, remote, what, o.Remote)
			if results[i].err == nil {
				impatient()
			}
		})
	}
	workers.Wait()
}

var errImpatient = errors.New("another remote has answered, and this one was not waited for any longer")

func (r *Repository) fetchFrom(ctx context.Context, keysDir string, remote Remote, what gitsync.FetchWhat, o gitsync.RemoteOptions,
) RefreshResult {
	result := RefreshResult{Remote: remote.Name}
	peer, err := reachable(keysDir, remote)
	var fetched gitsync.Fetched
	if err == nil {
		what.Approve = r.sameRepository
		fetched, err = r.git.Fetch(ctx, peer, what, o)
	}
	if errors.Is(context.Cause(ctx), errImpatient) && err != nil {
		err = errImpatient
	}
	result.State, result.tip = fetched.State, fetched.Tip
	result.Commits, result.Points = fetched.Commits, len(fetched.Tags)
	if err != nil {
		result.err = fmt.Errorf("remote %s: %w", remote.Name, err)
		result.State = stateOf(err)
	}
	return result
}

// sameRepository refuses what a remote has if it is another repository, before any ref moves.
func (r *Repository) sameRepository(f gitsync.Fetched) error {
	if f.Tip.IsZero() {
		return nil
	}
	config, err := r.configAt(f.Tip)
	if err != nil {
		return err
	}
	if config.Repository != r.config.Repository {
		return because(ReasonOtherRemote, fmt.Errorf("%w: the remote holds the repository %s, and this is %s", ErrOtherRepository,
			config.Repository, r.config.Repository))
	}
	return nil
}
