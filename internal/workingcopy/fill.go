package workingcopy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// fill makes a repository in an empty directory: a clone, or the beginning of a history.
func (o Options) fill(ctx context.Context) error {
	made, err := o.clone(ctx)
	if wait := (*waitError)(nil); o.Begin && errors.As(err, &wait) {
		err = nil
	}
	if made || err != nil {
		return err
	}
	return o.begin(ctx)
}

// clone makes a clone of the remote with the newest history. It is false without an error if all remotes are empty.
func (o Options) clone(ctx context.Context) (made bool, err error) {
	var silent error
	for _, a := range o.ask(ctx) {
		switch {
		case a.err != nil:
			o.Failed(gitsync.StateOf(a.err))
			silent = also(silent, fmt.Errorf("remote %s: %w", a.remote.Name, a.err))
			continue
		case !a.has.History:
			continue
		}

		done, err := repository.CloneRemote(ctx, o.Dir, o.Keys, a.remote, o.Remote)
		if err == nil {
			o.Log.Info("cloned the working copy from a remote", "remote", a.remote.Name, "commit", done.Tip.Short(), "points", done.Tags,
				"objects", done.Objects, "bytes", done.Bytes)
			return true, nil
		}
		var remote *gitsync.RemoteError
		if ctx.Err() != nil || !errors.As(err, &remote) {
			return false, fmt.Errorf("remote %s: %w", a.remote.Name, err) // waiting would change nothing
		}
		o.Failed(remote.State)
		silent = also(silent, fmt.Errorf("remote %s: %w", a.remote.Name, err))
	}

	if silent != nil {
		return false, &waitError{silent}
	}
	return false, nil
}

// also is both errors, in one line.
func also(one, other error) error {
	if one == nil {
		return other
	}
	return fmt.Errorf("%w; %w", one, other)
}

// answer is what one remote says of itself.
type answer struct {
	remote repository.Remote
	has    repository.RemoteContent
	err    error
}

// ask asks all remotes at once what they have. The one with the newest restore point comes first, because the least has to be
// fetched from the others then; they keep their order otherwise.
func (o Options) ask(ctx context.Context) []answer {
	answers := make([]answer, len(o.Remotes))
	var workers sync.WaitGroup
	for i, remote := range o.Remotes {
		workers.Go(func() {
			has, err := repository.AskRemote(ctx, o.Keys.Dir, remote, o.Remote)
			answers[i] = answer{remote, has, err}
		})
	}
	workers.Wait()
	slices.SortStableFunc(answers, func(a, b answer) int { return cmp.Compare(b.has.Newest, a.has.Newest) })
	return answers
}

// begin begins a history with the keys that there are.
func (o Options) begin(ctx context.Context) error {
	seen, known, err := keyring.LastSeen(o.Keys.Dir, repository.SeenMain)
	if err != nil {
		return err
	}
	if known && !o.Begin {
		return &repository.Error{Reason: repository.ReasonEmptied, Err: fmt.Errorf("%w: all remotes are empty, and %s was seen at %s",
			repository.ErrRewritten, seen.Commit.Short(), seen.At.UTC().Format("2006-01-02 15:04:05Z"))}
	}
	if err := repository.CreateWith(ctx, o.Dir, o.Keys, o.Random, o.Now); err != nil {
		return err
	}
	o.Log.Info("began a new history: no remote has one yet", "repository", o.Dir)
	return nil
}
