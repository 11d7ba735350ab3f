package repository

import (
	"context"
	"sync"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

// RemoteStatus is the state of a remote.
type RemoteStatus struct {
	Name  string              `json:"name"`
	URL   string              `json:"url"`
	State gitsync.RemoteState `json:"state"`
	Error string              `json:"error,omitempty"`
	// Hint is the caller's to fill in, who knows the commands.
	Hint string `json:"hint,omitempty"`
	// Commits and Points count what the remote does not have.
	Commits int `json:"commitsBehind"`
	Points  int `json:"pointsBehind"`
	// LastPush is when it last held everything, nil if that was never.
	LastPush *time.Time `json:"lastPush,omitempty"`

	err error
}

// Err returns why the remote could not be compared, nil if it was.
func (s RemoteStatus) Err() error { return s.err }

// RemoteStatuses compares all remotes at once. Remotes that cannot be
// reached say so in their state.
func (r *Repository) RemoteStatuses(ctx context.Context, keysDir string, o gitsync.RemoteOptions) ([]RemoteStatus, error) {
	remotes, err := r.Remotes()
	if err != nil {
		return nil, err
	}
	what, err := r.pushed()
	if err != nil {
		return nil, err
	}
	pushes, err := r.readPushes()
	if err != nil {
		return nil, err
	}
	list := make([]RemoteStatus, len(remotes))
	var workers sync.WaitGroup

	for i, remote := range remotes {
		workers.Go(func() {
			status := RemoteStatus{Name: remote.Name, URL: remote.URL.String()}
			if at, ok := pushes[remote.Name]; ok {
				at = at.Truncate(time.Second)
				status.LastPush = &at
			}
			peer, err := reachable(keysDir, remote)
			var comparison gitsync.RemoteComparison
			if err == nil {
				comparison, err = r.git.Compare(ctx, peer, what, o)
			}
			status.State, status.Commits, status.Points = comparison.State, comparison.Commits, comparison.Tags
			if err != nil {
				status.err = err
				status.State, status.Error = stateOf(err), err.Error()
			}
			if other := r.another(ctx, peer, status.State, o); other != nil {
				status.err, status.Error = other, other.Error()
			}
			list[i] = status
		})
	}

	workers.Wait()
	return list, ctx.Err()
}
