package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// RemoteContent is what a remote says that it has.
type RemoteContent struct {
	// History is false for a remote that nothing was ever pushed to.
	History bool
	// Newest is the newest restore point, "" if there is none.
	Newest string

	points map[string]gitsync.Hash
}

// AskRemote asks a remote what it has.
func AskRemote(ctx context.Context, keysDir string, remote Remote, o gitsync.RemoteOptions) (RemoteContent, error) {
	peer, err := reachable(keysDir, remote)
	if err != nil {
		return RemoteContent{}, err
	}
	refs, err := gitsync.RemoteRefs(ctx, peer, o)
	if err != nil {
		return RemoteContent{}, err
	}
	has := RemoteContent{points: map[string]gitsync.Hash{}}
	_, has.History = refs[gitsync.MainRef]
	for name, object := range refs {
		if id, is := strings.CutPrefix(name, pointRefs); is {
			has.Newest = max(has.Newest, id)
			has.points[name] = object
		}
	}
	return has, nil
}

// CloneRemote is [Clone] from a remote whose credentials are among the keys, of a repository that may be written to with
// these keys. What it is not, is taken away again.
func CloneRemote(ctx context.Context, dir string, keys *keyring.Keys, remote Remote, o gitsync.RemoteOptions) (gitsync.Cloned, error) {
	peer, err := reachable(keys.Dir, remote)
	if err != nil {
		return gitsync.Cloned{}, err
	}
	r, done, err := Clone(ctx, dir, peer, o)
	if err == nil {
		err = r.checkKeysAreOfThis(keys.Dir)
	}
	if err == nil {
		err = r.guardPolicy(keys, done.Tip)
	}
	if err != nil && !done.Tip.IsZero() {
		return done, errors.Join(err, os.RemoveAll(dir))
	}
	return done, err
}

// UseRemotes makes remotes those of the repository, beside others that it has. One that has the name of another place
// takes its name over.
func (r *Repository) UseRemotes(ctx context.Context, remotes []Remote) error {
	have, err := r.Remotes()
	if err != nil {
		return err
	}
	for _, remote := range remotes {
		if slices.Contains(have, remote) {
			continue
		}
		if slices.ContainsFunc(have, func(h Remote) bool { return h.Name == remote.Name }) {
			if err := r.RemoveRemote(ctx, remote.Name); err != nil {
				return err
			}
		}
		if err := r.AddRemote(ctx, remote); err != nil {
			return fmt.Errorf("adding the remote %s: %w", remote.Name, err)
		}
	}
	return nil
}
