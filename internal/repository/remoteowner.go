package repository

import (
	"context"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// another returns why a part of a remote that has diverged is not that of this repository: another one has it, which is a
// mistake in a URL. It is nil if that is not so, or is not known.
func (r *Repository) another(ctx context.Context, peer gitsync.Remote, state gitsync.RemoteState, o gitsync.RemoteOptions) error {
	if state != gitsync.RemoteDiverged || peer.URL.Namespace().IsWhole() {
		return nil
	}
	data, err := gitsync.Peek(ctx, peer, gitsync.MainRef, appbur.RepositoryFile, o)
	if err != nil {
		return nil
	}
	config, err := ParseConfig(data)
	if err != nil || config.Repository == r.config.Repository {
		return nil
	}

	of := ""
	if config.Cluster.ID != "" {
		of = " of the cluster " + config.Cluster.ID
	}
	return because(ReasonOtherRemote, fmt.Errorf("%w: %s holds the repository %s%s, and this is %s", ErrOtherRepository, peer.URL.Namespace(),
		config.Repository, of, r.config.Repository))
}
