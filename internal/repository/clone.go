package repository

import (
	"context"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Clone makes a repository that holds what a remote holds, and adds the remote to
// it. It must be one that appbur made.
func Clone(ctx context.Context, dir string, remote gitsync.Remote, o gitsync.RemoteOptions) (*Repository, gitsync.Cloned, error) {
	git, done, err := gitsync.Clone(ctx, dir, remote, gitsync.MainRef, appbur.RestorePointTagPrefix, o)
	if err != nil {
		return nil, done, err
	}
	if err := git.AddRemote(ctx, Remote{Name: remote.Name, URL: remote.URL, AllowPlaintext: remote.AllowPlaintext}); err != nil {
		return nil, done, err
	}
	r, err := Open(dir)
	if err != nil {
		return nil, done, err
	}
	// Reports about drills are beside the history. A clone without them is whole, and the next refresh brings them.
	_, _ = git.Fetch(ctx, remote, gitsync.FetchWhat{
		Branch: gitsync.MainRef, TagPrefix: drillTagPrefix, Besides: drillTagPrefix,
	}, o)
	return r, done, nil
}
