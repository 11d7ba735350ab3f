package repository

import (
	"context"
	"errors"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Remote is a remote of the repository.
type Remote = gitsync.RemoteConfig

// Remotes returns the remotes of the repository, by name.
func (r *Repository) Remotes() ([]Remote, error) { return r.git.Remotes() }

// AddRemote adds a remote to the repository's Git configuration, where stock git
// finds it as well.
func (r *Repository) AddRemote(ctx context.Context, remote Remote) error {
	return r.git.AddRemote(ctx, remote)
}

// RemoveRemote removes a remote from the configuration and forgets when it was
// pushed to. What the remote holds stays there, and so do the credentials.
func (r *Repository) RemoveRemote(ctx context.Context, name string) error {
	if err := r.git.RemoveRemote(ctx, name); err != nil {
		return err
	}
	if err := r.forgetPush(name); err != nil {
		return err
	}
	return r.forgetConfirmed(name)
}

// reachable joins a remote with its credentials.
func reachable(keysDir string, remote Remote) (gitsync.Remote, error) {
	credentials, err := keyring.LoadCredentials(keyring.CredentialsDir(keysDir, remote.Name))
	return gitsync.Remote{Name: remote.Name, URL: remote.URL, Credentials: credentials, AllowPlaintext: remote.AllowPlaintext}, err
}

// stateOf is the state of a remote whose credentials may be the trouble.
func stateOf(err error) gitsync.RemoteState {
	var key *keyring.Error
	if errors.As(err, &key) {
		return gitsync.RemoteMisconfigured
	}
	return gitsync.StateOf(err)
}
