package workingcopy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// waitBackoff is between tries to reach a remote without which nothing can begin.
var waitBackoff = backoff.Backoff{First: 2 * time.Second, Most: time.Minute}

// patience is how long the other remotes are waited for once one has answered.
const patience = 5 * time.Second

// Options say where the working copy is and where it comes from.
type Options struct {
	// Dir is the directory of the working copy: a repository, empty, or not there.
	Dir  string
	Keys *keyring.Keys
	// Remotes are added to those that the working copy has.
	Remotes []repository.Remote
	// Begin begins a new history in an empty directory although a remote has not answered, or has lost what it held.
	Begin bool
	// AcceptHistory goes on from a history that is not the one seen before.
	AcceptHistory bool
	// Fence is asked before each write whether this process may still write; nil if it may in any case.
	Fence func(context.Context) error
	// Remote are the surroundings of sessions with remotes.
	Remote gitsync.RemoteOptions
	Random io.Reader
	Now    func() time.Time
	Log    *slog.Logger
	Hint   func(error) string
	// Waiting is told why there is no working copy yet, each time that this is tried again.
	Waiting func(reason error)
	// Failed is told of each remote that could not be asked.
	Failed func(gitsync.RemoteState)
}

// waitError is why nothing can begin yet, and will be tried again.
type waitError struct{ err error }

func (e *waitError) Error() string { return e.err.Error() }
func (e *waitError) Unwrap() error { return e.err }

// Obtain returns the working copy. It waits for remotes as long as nothing can begin without them, until ctx
// ends.
//
// A directory that holds a repository stays as it is but for what [repository.Repository.Refresh] brings; when no remote
// answers it is used as it is. An empty directory becomes a clone of the remote that has the newest history, and what
// others have beside that is fetched. If all remotes are empty a new history begins.
func Obtain(ctx context.Context, o Options) (*repository.Repository, error) {
	for failures := 0; ; failures++ {
		repo, err := o.obtain(ctx)
		var wait *waitError
		if !errors.As(err, &wait) {
			return repo, err
		}
		pause := waitBackoff.Delay(failures)
		o.Waiting(err)
		o.Log.Warn("waiting for a remote; nothing of the cluster is saved until then", "reason", err.Error(), "hint", o.Hint(err), "again", pause)
		if err := backoff.Sleep(ctx, pause); err != nil {
			return nil, fmt.Errorf("waiting for a remote: %w", err)
		}
	}
}

func (o Options) obtain(ctx context.Context) (*repository.Repository, error) {
	empty, err := Vacant(o.Dir)
	if err != nil {
		return nil, err
	}
	if empty {
		if err := o.fill(ctx); err != nil {
			return nil, err
		}
	}
	repo, err := repository.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	repo.Fence(o.Fence)
	if err := repo.UseRemotes(ctx, o.Remotes); err != nil {
		return nil, err
	}
	return repo, o.refresh(ctx, repo)
}

// Prepare returns the working copy of a process that may not write yet: the one that is there, or a clone. It is nil where
// nothing is there and all remotes are empty.
func Prepare(ctx context.Context, o Options) (*repository.Repository, error) {
	empty, err := Vacant(o.Dir)
	if err != nil {
		return nil, err
	}
	if empty {
		if made, err := o.clone(ctx); !made {
			return nil, err
		}
	}
	repo, err := repository.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := repo.NoteHeld(ctx, o.Keys.Dir, o.Remote); err != nil {
		return nil, err
	}
	return repo, nil
}

// Vacant reports whether there is nothing in a directory.
func Vacant(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("looking for the working copy: %w", err)
	}
	return len(entries) == 0, nil
}

// refresh brings a working copy up to date, and decides whether it may be gone on from.
func (o Options) refresh(ctx context.Context, repo *repository.Repository) error {
	remotes, err := repo.Remotes()
	if err != nil || len(remotes) == 0 {
		return err
	}
	done, err := repo.Refresh(ctx, o.Keys, repository.RefreshOptions{Remote: o.Remote, Patience: patience, Now: o.Now})
	if err != nil {
		return err
	}
	Tell(o.Log, o.Hint, done)
	if len(done.Unanswered()) == 0 {
		dropped, err := repo.DropDeletedElsewhere(ctx, o.Keys.Dir, o.Remote)
		if err != nil {
			return err
		}
		if len(dropped) > 0 {
			o.Log.Info("restore points are gone that another process deleted while this one stood by", "points", len(dropped))
		}
	}
	for _, r := range done.Unanswered() {
		o.Failed(r.State)
	}

	lost, err := repo.ForgetUnpushed(o.Keys.Dir, o.Now())
	switch {
	case errors.Is(err, repository.ErrRewritten) && o.AcceptHistory:
		return nil
	case errors.Is(err, repository.ErrRewritten) && len(done.Unanswered()) > 0:
		// Another remote may have what is missing. To go on without it would begin a second history.
		return &waitError{fmt.Errorf("the remotes that answer have less than was seen: %w", err)}
	case err != nil:
		return err
	case lost != nil:
		o.Log.Warn("commits that no remote held are lost with an earlier working copy; what they said of the cluster is read again",
			"seen", lost.Seen.Commit.Short(), "at", lost.Seen.At, "continues", lost.Main.Short())
	}
	return nil
}

// Tell logs what a refresh did.
func Tell(log *slog.Logger, hint func(error) string, done repository.Refreshed) {
	for _, r := range done.Remotes {
		switch {
		case r.Joined:
			log.Warn("a remote had another history; both go on as one", "remote", r.Remote)
		case r.Err() != nil:
			log.Warn("a remote cannot be followed", "remote", r.Remote, "state", string(r.State), "reason", r.Err().Error(),
				"hint", hint(r.Err()))
		case r.Commits+r.Points > 0:
			log.Info("took from a remote what is newer there", "remote", r.Remote, "commits", r.Commits, "points", r.Points)
		}
	}
}
