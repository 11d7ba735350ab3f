package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/diagnosis"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/schedule"
	"github.com/appbur/appbur/internal/settings"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// gather looks at the repository, at its remotes, and at what else was named.
// given reports whether a flag of the command line says something.
func (o *statusCommand) gather(ctx context.Context, e *env, given func(flag string) bool) (facts diagnosis.Facts, err error) {
	if o.grace < 0 || o.greatestAge < 0 {
		return facts, &usageError{appbur.WithHint(errors.New("a negative time"), "write one such as 26h or 15m")}
	}
	config, err := o.obeyConfig(e, given)
	if err != nil {
		return facts, err
	}
	address, err := o.daemonAddress(config)
	if err != nil {
		return facts, err
	}

	repo, done, err := o.look(ctx, e)
	if err != nil {
		return facts, err
	}
	defer func() { err = errors.Join(err, done()) }()
	facts = diagnosis.Facts{Now: e.now(), Grace: o.grace, GreatestAge: o.greatestAge}
	if err := o.readRepository(ctx, e, repo, &facts); err != nil {
		return facts, err
	}
	if facts.Schedules, err = schedulesOf(config, facts.Points); err != nil {
		return facts, err
	}

	if address != "" {
		facts.Daemon = askDaemon(ctx, address, facts.Now)
	}
	if o.kubeconfig != "" || o.context != "" {
		facts.Cluster = o.askCluster(ctx, e)
	}
	return facts, nil
}

// obeyConfig takes from the configuration what no flag says.
func (o *statusCommand) obeyConfig(e *env, given func(flag string) bool) (c configuration.Configuration, err error) {
	if o.config == "" {
		return c, nil
	}
	text, err := e.readConfig(o.config)
	if err != nil {
		return c, &usageError{err}
	}
	parsed, err := configuration.Parse(text, nil, nil)
	var wrong *settings.Error
	if errors.As(err, &wrong) {
		err = appbur.WithHint(&configError{o.config, wrong.Faults}, "`appbur config explain` says what can be set")
	}
	if err != nil {
		return c, &usageError{err}
	}

	c = parsed.Value
	for flag, from := range map[string]struct{ to, value *string }{
		"repo": {&o.repo, &c.Repository.Path}, "keys": {&o.keys, &c.Repository.Keys},
		"kubeconfig": {&o.kubeconfig, &c.Cluster.Kubeconfig}, "context": {&o.context, &c.Cluster.Context},
	} {
		if !given(flag) && *from.value != "" {
			*from.to = *from.value
		}
	}
	return c, nil
}

// look opens the working copy, or makes one of a URL for as long as this command runs. A temporary copy is bound to
// nothing: whom it believes is what the command line says.
func (o *statusCommand) look(ctx context.Context, e *env) (*repository.Repository, func() error, error) {
	nothing := func() error { return nil }
	if refuseURL(o.repo) == nil {
		repo, err := o.open()
		return repo, nothing, err
	}

	u, err := remoteURL(o.repo)
	if err != nil {
		return nil, nothing, err
	}
	remote, err := o.remoteAt(u)
	if err != nil {
		return nil, nothing, err
	}

	if o.copyOf != nil {
		return o.copyOf(ctx, remote)
	}
	return temporaryCopy(ctx, e, remote)
}

// temporaryCopy is taken away when the returned function is called.
func temporaryCopy(ctx context.Context, e *env, remote gitsync.Remote) (*repository.Repository, func() error, error) {
	nothing := func() error { return nil }
	dir, err := os.MkdirTemp("", "appbur-status-")
	if err != nil {
		return nil, nothing, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	bar := e.transferBar()
	options := e.remoteOptions()
	options.Progress = bar.report
	repo, _, err := repository.Clone(ctx, filepath.Join(dir, "copy.git"), remote, options)
	bar.finish()
	if err != nil {
		return nil, nothing, errors.Join(err, remove())
	}
	return repo, remove, nil
}

// remoteAt is the remote at a URL, with its credentials.
func (o *statusCommand) remoteAt(u gitsync.RemoteURL) (gitsync.Remote, error) {
	const name = "origin"
	remote := gitsync.Remote{Name: name, URL: u, AllowPlaintext: o.plaintext}
	from := o.credentials
	if from == "" && o.keys != "" {
		from = keyring.CredentialsDir(o.keys, name)
	}
	if from == "" {
		return remote, nil
	}
	var err error
	remote.Credentials, err = keyring.LoadCredentials(from)
	return remote, err
}

func (o *statusCommand) readRepository(ctx context.Context, e *env, repo *repository.Repository, facts *diagnosis.Facts) error {
	trusted, err := o.signers(e, repo)
	if err != nil {
		return err
	}
	all, err := e.catalog(repo, trusted)
	if err != nil {
		return err
	}
	facts.Points = diagnosis.Points{All: all.Points, Unchecked: len(trusted) == 0, Excluded: -1}
	for _, rejected := range all.Rejected() {
		facts.Points.Rejected = append(facts.Points.Rejected, rejected.Ref.ID)
	}
	if len(all.Refs) > 0 {
		if coverage, err := repo.Coverage(all.Refs[0]); err == nil {
			facts.Points.Excluded = excluded(coverage)
		}
	}

	if o.also != nil {
		if err := o.also(repo, all); err != nil {
			return err
		}
	}

	tip, at, err := repo.LastCommit()
	if err != nil {
		return err
	}
	facts.Main = diagnosis.Main{Commit: tip.String(), Committed: at}
	if refuseURL(o.repo) != nil {
		// The copy is what the remote holds now.
		facts.Remotes, facts.Required = []diagnosis.Remote{{Name: o.repo}}, 1
		return nil
	}
	return o.readRemotes(ctx, e, repo, facts)
}

func excluded(c appbur.Coverage) (n int) {
	for _, t := range c.Types {
		n += t.Excluded
	}
	return n
}

// readRemotes compares the remotes. Without a key directory there are no credentials, and remotes are reached without.
func (o *statusCommand) readRemotes(ctx context.Context, e *env, repo *repository.Repository, facts *diagnosis.Facts) error {
	keys, err := o.keysDir(e, repo)
	if err != nil && !errors.Is(err, repository.ErrUnbound) {
		return err
	}
	if keys != "" {
		files := []string{keyring.IdentityPath(keys, "")}
		if all, err := keyring.Load(keys); err == nil {
			files = append(files, all.Files()...)
		}
		for _, x := range keyring.Exposed(files) {
			facts.Exposed = append(facts.Exposed, x.File)
		}
	}

	if facts.Required, err = repo.RequiredRemotes(); err != nil {
		return err
	}
	bar := e.bar("reading the remotes", progress.Uncounted)
	list, err := repo.RemoteStatuses(ctx, keys, e.remoteOptions())
	bar.finish()
	if err != nil {
		return err
	}
	pushes, err := repo.LastPushes() // to the nanosecond: a point and its push may be of one second
	if err != nil {
		return err
	}

	for _, r := range list {
		remote := diagnosis.Remote{Name: r.Name, Commits: r.Commits, Points: r.Points, Err: r.Error, LastPush: pushes[r.Name]}
		switch r.State {
		case gitsync.RemoteUpToDate:
		case gitsync.RemoteBehind, gitsync.RemoteEmpty:
			remote.Behind = true
		default:
			if remote.Err == "" {
				remote.Err = string(r.State)
			}
		}
		facts.Remotes = append(facts.Remotes, remote)
	}
	return nil
}

// schedulesOf are those of a configuration, with the delays that this cluster has.
func schedulesOf(c configuration.Configuration, points diagnosis.Points) (list []*schedule.Schedule, err error) {
	var cluster string
	if len(points.All) > 0 {
		cluster = points.All[0].Cluster.ID
	}
	for _, spec := range c.Points.Specs() {
		s, err := schedule.New(spec, cluster)
		if err != nil {
			return nil, &usageError{err}
		}
		list = append(list, s)
	}
	return list, nil
}

// clusterPatience is how long an API server may take to say who it is.
const clusterPatience = 15 * time.Second

func (o *statusCommand) askCluster(ctx context.Context, e *env) *diagnosis.Cluster {
	ctx, cancel := context.WithTimeout(ctx, clusterPatience)
	defer cancel()
	config, err := o.restConfig()
	if err != nil {
		return &diagnosis.Cluster{Err: oneLine(err.Error())}
	}
	source, err := exporter.New(config, manifest.Default(), exporter.Options{Now: e.now})
	if err != nil {
		return &diagnosis.Cluster{Err: oneLine(err.Error())}
	}

	cluster, err := source.Cluster(ctx)
	if err != nil {
		return &diagnosis.Cluster{Err: oneLine(fmt.Sprint(err))}
	}
	return &diagnosis.Cluster{ID: cluster.ID, Version: cluster.Version.String()}
}
