package fleetcopies

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Source is a remote, and what it was said to have a moment ago.
type Source struct {
	Remote  gitsync.Remote
	Refs    map[string]gitsync.Hash
	Options gitsync.RemoteOptions
}

// How says what had to be done for a copy.
type How string

// What can be done. The texts are stable.
const (
	Unchanged How = "unchanged"
	Fetched   How = "fetched"
	Cloned    How = "cloned"
)

// Copy is one that nobody else uses until it is released.
type Copy struct {
	Dir string
	How How

	lock *os.File
}

// Release lets others use the copy.
func (c *Copy) Release() error { return c.lock.Close() }

// Take gives the copy of a remote: as it is if it has what the remote has, else what is new is fetched, else it is made
// anew. The caller releases it.
func (c *Copies) Take(ctx context.Context, s Source) (*Copy, error) {
	return c.take(ctx, s, (*Copies).bring)
}

// TakeAnew is [Copies.Take] of a copy that is not believed: it is made anew in any case.
func (c *Copies) TakeAnew(ctx context.Context, s Source) (*Copy, error) {
	return c.take(ctx, s, (*Copies).clone)
}

func (c *Copies) take(ctx context.Context, s Source, bring func(*Copies, context.Context, string, Source) (How, error)) (*Copy, error) {
	place := c.place(s.Remote.URL.String())
	held, err := lock(ctx, place)
	if err != nil {
		return nil, err
	}
	how, err := bring(c, ctx, place+copySuffix, s)
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	now := c.now()
	_ = os.Chtimes(held.Name(), now, now) // only the order in which copies go depends on it
	return &Copy{Dir: place + copySuffix, How: how, lock: held}, nil
}

// bring makes a copy have what the remote has, in the cheapest way that does.
func (c *Copies) bring(ctx context.Context, dir string, s Source) (How, error) {
	git, err := gitsync.Open(dir)
	if err != nil {
		return c.clone(ctx, dir, s)
	}
	same, err := holds(git, s.Refs)
	if err == nil && same {
		return Unchanged, nil
	}
	if err == nil {
		err = follow(ctx, git, s)
	}
	if err == nil {
		return Fetched, nil
	}
	// What is wrong with the copy is no reason to fail; what is wrong with the remote is said by cloning, too.
	if state := gitsync.StateOf(err); ctx.Err() != nil || passing(state) {
		return "", err
	}
	return c.clone(ctx, dir, s)
}

// passing are states in which a clone would fail as well.
func passing(state gitsync.RemoteState) bool {
	switch state {
	case gitsync.RemoteUnauthenticated, gitsync.RemoteForbidden, gitsync.RemoteHostKeyUnknown, gitsync.RemoteHostKeyChanged,
		gitsync.RemoteCertificate, gitsync.RemoteNotFound, gitsync.RemoteNotGit, gitsync.RemoteUnreachable, gitsync.RemoteSilent,
		gitsync.RemoteInterrupted, gitsync.RemoteMisconfigured:
		return true
	default:
		return false
	}
}

// counting is of all that the remote has what a copy has.
func counting(refs map[string]gitsync.Hash) map[string]gitsync.Hash {
	counts := make(map[string]gitsync.Hash)
	for name, id := range refs {
		if name == gitsync.MainRef || strings.HasPrefix(name, pointRefs) {
			counts[name] = id
		}
	}
	return counts
}

const pointRefs = "refs/tags/" + appbur.RestorePointTagPrefix

func holds(git *gitsync.Repository, refs map[string]gitsync.Hash) (bool, error) {
	have, err := git.Refs(gitsync.MainRef, appbur.RestorePointTagPrefix)
	return err == nil && maps.Equal(have, counting(refs)), err
}

var errNotFollowed = errors.New("the copy does not lead to what the remote has")

// follow fetches what is new, and takes away the points that the remote has no more.
func follow(ctx context.Context, git *gitsync.Repository, s Source) error {
	what := gitsync.FetchWhat{Branch: gitsync.MainRef, TagPrefix: appbur.RestorePointTagPrefix}
	done, err := git.Fetch(ctx, s.Remote, what, s.Options)
	if err != nil {
		return err
	}
	if done.State != gitsync.RemoteAhead && done.State != gitsync.RemoteUpToDate || len(done.Others) > 0 {
		return errNotFollowed
	}

	gone, err := git.Refs(gitsync.MainRef, appbur.RestorePointTagPrefix)
	if err != nil {
		return err
	}
	delete(gone, gitsync.MainRef)
	for name := range s.Refs {
		delete(gone, name)
	}
	for _, tag := range done.Tags { // made since the remote was asked
		delete(gone, "refs/tags/"+tag)
	}
	if err := errors.Join(git.DeleteRefs(ctx, gone, nil), git.GiveBack()); err != nil {
		return err
	}
	due, err := git.MaintenanceDue()
	if err == nil && due {
		return errNotFollowed // a clone is one pack
	}
	return err
}

// clone makes a copy in the place of what is there.
func (c *Copies) clone(ctx context.Context, dir string, s Source) (How, error) {
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("taking a copy away that is not good: %w", err)
	}
	if _, _, err := repository.Clone(ctx, dir, s.Remote, s.Options); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	git, err := gitsync.Open(dir)
	if err == nil {
		err = git.GiveBack() // which is more than many a copy
	}
	return Cloned, err
}
