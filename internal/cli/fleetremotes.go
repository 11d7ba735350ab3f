package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/fleetcopies"
	"github.com/appbur/appbur/internal/fleetfile"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// fleetRemotes are the remotes of a fleet, each of which is asked once what it has, however many clusters share it.
type fleetRemotes struct {
	copies  *fleetcopies.Copies
	options gitsync.RemoteOptions

	mu    sync.Mutex
	asked map[login]func() (map[string]gitsync.Hash, error)
}

// login is a whole remote, and who asks it.
type login struct {
	url, username, password, token, identity, knownHosts, ca string
	plaintext                                                bool
}

func loginOf(r gitsync.Remote) login {
	c := r.Credentials
	return login{
		r.URL.Whole().String(), c.Username, c.Password, c.BearerToken, string(c.Identity), c.KnownHosts, string(c.CA), r.AllowPlaintext,
	}
}

func newFleetRemotes(copies *fleetcopies.Copies, options gitsync.RemoteOptions) *fleetRemotes {
	return &fleetRemotes{copies: copies, options: options, asked: make(map[login]func() (map[string]gitsync.Hash, error))}
}

// refs are all refs of the remote of which a cluster has a part, or all.
func (f *fleetRemotes) refs(ctx context.Context, remote gitsync.Remote) (map[string]gitsync.Hash, error) {
	key := loginOf(remote)
	f.mu.Lock()
	ask, asked := f.asked[key]
	if !asked {
		ask = sync.OnceValues(func() (map[string]gitsync.Hash, error) {
			remote.URL = remote.URL.Whole()
			return gitsync.RemoteRefs(ctx, remote, f.options)
		})
		f.asked[key] = ask
	}
	f.mu.Unlock()
	return ask()
}

// copySource gives the copy of a remote, and what gives it back.
type copySource func(context.Context, gitsync.Remote) (*repository.Repository, func() error, error)

// copyFor has a cluster looked at in a copy that is kept, and tells how it was come by.
func (f *fleetRemotes) copyFor(anew bool, how *fleetcopies.How) copySource {
	return func(ctx context.Context, remote gitsync.Remote) (*repository.Repository, func() error, error) {
		nothing := func() error { return nil }
		refs, err := f.refs(ctx, remote)
		if err != nil {
			return nil, nothing, err
		}
		take := f.copies.Take
		if anew {
			take = f.copies.TakeAnew
		}
		taken, err := take(ctx, fleetcopies.Source{
			Remote: remote, Refs: gitsync.RefsIn(refs, remote.URL.Namespace()), Options: f.options,
		})
		if err != nil {
			return nil, nothing, err
		}
		*how = taken.How
		repo, err := repository.Open(taken.Dir)
		if err != nil {
			return nil, nothing, errors.Join(err, taken.Release())
		}
		return repo, taken.Release, nil
	}
}

// each replaces an entry that stands for all parts of a remote by a cluster for each, also for those that the remote had at
// an earlier look and has lost.
func (f *fleetRemotes) each(ctx context.Context, c fleetfile.Cluster) ([]fleetEntry, error) {
	if !c.Many() {
		return []fleetEntry{{c, nil}}, nil
	}
	whole := c.Whole()
	u, err := remoteURL(whole.Repository)
	if err != nil {
		return nil, err
	}
	remote, err := statusOf(whole).remoteAt(u)
	if err != nil {
		return nil, err
	}
	refs, err := f.refs(ctx, remote)
	if err != nil {
		return nil, err
	}

	var parts []string
	for _, part := range gitsync.PartsOf(refs) {
		parts = append(parts, part.String())
	}
	var entries []fleetEntry
	for _, one := range c.Each(parts) {
		entries = append(entries, fleetEntry{one, nil})
	}
	lost, err := f.lost(ctx, c, parts)
	if err != nil {
		return nil, err
	}
	entries = append(entries, lost...)
	if len(entries) == 0 {
		return nil, appbur.WithHint(fmt.Errorf("%s has no cluster", c.Repository),
			"the part of each cluster has a branch main, as clusters/eu-1/main")
	}
	return entries, nil
}

// errLost is why nothing can be said of a cluster that a remote had.
var errLost = errors.New("the remote has no branch main of it any more")

// lost are the clusters of an entry that its remote had at an earlier look.
func (f *fleetRemotes) lost(ctx context.Context, c fleetfile.Cluster, parts []string) (entries []fleetEntry, err error) {
	gone, err := f.copies.Gone(ctx, c.Repository, parts, func(part string) bool { return !c.Misses(part) })
	for _, g := range gone {
		for _, one := range c.Each([]string{g.Part}) {
			entries = append(entries, fleetEntry{one, appbur.WithHint(fmt.Errorf("%w, and had one at %s", errLost, g.Seen.Format(time.RFC3339)),
				"push it again from a copy of its repository; if the cluster is retired, say so with retired in the file (docs/fleet.md)")})
		}
	}
	return entries, err
}

// statusOf is the question after one cluster.
func statusOf(c fleetfile.Cluster) *statusCommand {
	status := &statusCommand{config: c.Config, daemon: c.Daemon, credentials: c.Credentials, plaintext: c.AllowPlaintext}
	status.repo, status.keys, status.trust = c.Repository, c.Keys, c.Trust
	return status
}
