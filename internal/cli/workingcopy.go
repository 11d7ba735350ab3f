package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/workingcopy"
	"github.com/appbur/appbur/pkg/gitsync"
)

// addWorkingCopyFlags adds the flags that say where a daemon's working copy comes from. Their values come with the
// configuration (runflags.go).
func addWorkingCopyFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringArray("remote", nil, "clone an empty --repo from this remote `[NAME=]URL`, and push to it; credentials are in remotes/NAME of the keys; repeatable")
	f.Int("require-remotes", 0, "how many remotes must hold a restore point for it to count as replicated; 0 is what the repository says (`appbur remotes require`)")
	f.Bool("begin-history", false, "begin a new history in an empty --repo although a remote that may have one does not answer, or has lost it")
}

// remotesText is what stands in the configuration for [NAME=]URL, each once.
func remotesText(values []string) string {
	var list []map[string]string
	for _, text := range values {
		name, url, named := strings.Cut(text, "=")
		if !named || gitsync.CheckRemoteName(name) != nil {
			name, url = configuration.DefaultRemote, text
		}
		list = append(list, map[string]string{"name": name, "url": url})
	}
	return listText(list)
}

// startSilence is how long a remote may do nothing when a daemon starts: a dead one must not hold it up for longer.
const startSilence = 20 * time.Second

// workingCopy is the repository of a daemon, which is not there before it is cloned.
type workingCopy struct {
	// making is held by who makes it, because a daemon that stands by makes one as well.
	making sync.Mutex

	mu      sync.Mutex
	repo    *repository.Repository
	keys    *keyring.Keys
	waiting error
	there   chan struct{}
	once    sync.Once
}

func newWorkingCopy() *workingCopy {
	return &workingCopy{waiting: errors.New("it is looked for"), there: make(chan struct{})}
}

// Writable returns why nothing can be written, nil if something can, or could be begun.
func (w *workingCopy) Writable() error {
	w.mu.Lock()
	repo, waiting := w.repo, w.waiting
	w.mu.Unlock()
	switch {
	case repo != nil:
		return repo.Writable()
	case waiting != nil:
		return fmt.Errorf("there is no working copy yet: %w", waiting)
	default:
		return nil
	}
}

// wait returns the repository once it is there, and false if ctx ends before.
func (w *workingCopy) wait(ctx context.Context) (*repository.Repository, *keyring.Keys, bool) {
	select {
	case <-w.there:
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.repo, w.keys, true
	case <-ctx.Done():
		return nil, nil, false
	}
}

func (w *workingCopy) waits(reason error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = reason
}

func (w *workingCopy) is(repo *repository.Repository, keys *keyring.Keys) {
	w.mu.Lock()
	w.repo, w.keys = repo, keys
	w.mu.Unlock()
	w.once.Do(func() { close(w.there) })
}

// obtain opens the repository of a daemon, brought up to date with its remotes, or makes it from them.
func (o *runOptions) obtain(ctx context.Context, e *env, c configuration.Configuration, w *workingCopy, seen *observed, log *slog.Logger) (
	*repository.Repository, *keyring.Keys, error,
) {
	options, err := o.workingCopyOptions(e, c, log)
	if err != nil {
		return nil, nil, err
	}
	options.Failed = seen.metrics.FetchFailed
	options.Waiting = func(reason error) {
		w.waits(reason)
		seen.metrics.SetWorkingCopy(false)
	}
	w.making.Lock()
	defer w.making.Unlock()
	repo, err := workingcopy.Obtain(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	if n := c.Push.Required; n > 0 {
		if err := repo.RequireRemotes(ctx, n); err != nil {
			return nil, nil, err
		}
	}
	remotes, err := repo.Remotes()
	if err == nil && len(remotes) == 0 && c.Points.AnyMustBePushed() {
		err = noRemoteToPushTo()
	}
	if err != nil {
		return nil, nil, err
	}
	w.is(repo, options.Keys)
	seen.metrics.SetWorkingCopy(true)
	return repo, options.Keys, nil
}

func noRemoteToPushTo() error {
	return &usageError{appbur.WithHint(errors.New("restore points count only when they are pushed, and there is no remote"),
		"pass --remote URL, or add one with `appbur remotes add`")}
}

func (o *runOptions) workingCopyOptions(e *env, c configuration.Configuration, log *slog.Logger) (workingcopy.Options, error) {
	options := workingcopy.Options{
		Dir: o.repo, Begin: c.Guards.BeginHistory, AcceptHistory: c.Guards.AcceptHistory, Remote: e.remoteOptions(),
		Random: e.rand, Now: e.now, Log: log, Hint: hintOf, Fence: o.fence,
	}
	options.Remote.Silence = startSilence
	for _, remote := range c.Repository.Remotes {
		u, err := gitsync.ParseRemoteURL(remote.URL)
		if err != nil {
			return options, &usageError{fmt.Errorf("remote %s: %w", remote.Name, err)}
		}
		options.Remotes = append(options.Remotes, repository.Remote{Name: remote.Name, URL: u, AllowPlaintext: remote.AllowPlaintext})
	}

	entries, err := os.ReadDir(o.repo)
	if len(options.Remotes) > 0 && (err != nil || len(entries) == 0) {
		if o.keys == "" {
			return options, &usageError{appbur.WithHint(fmt.Errorf("%s is to be cloned, and no keys are named", o.repo),
				"pass --keys DIR or set "+envKeys)}
		}
		options.Keys, err = keyring.Load(o.keys)
		if err == nil {
			e.warnExposed(options.Keys.Files())
		}
		return options, err
	}
	_, options.Keys, err = o.writable(e)
	return options, err
}

// unlessStopped is no error where a signal has ended what comes before the watch: nothing was seen that could be lost.
func unlessStopped(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// standByEvery is how often a daemon that stands by tries to clone what it may have to go on from.
const standByEvery = 10 * time.Second

// standBy has a daemon that is not elected clone its working copy, so that it takes over within seconds. It begins no
// history, and brings nothing up to date: who is elected does. The returned function ends it.
func (d *daemonRun) standBy(ctx context.Context) (stop func()) {
	if d.elector == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	working.Go(func() {
		for !d.prepared(ctx) && backoff.Sleep(ctx, standByEvery) == nil {
		}
	})
	return func() {
		cancel()
		working.Wait()
	}
}

// prepared reports whether there is a working copy, made now if that can be.
func (d *daemonRun) prepared(ctx context.Context) bool {
	d.copied.making.Lock()
	defer d.copied.making.Unlock()
	if d.copied.isThere() || ctx.Err() != nil {
		return true
	}
	options, err := d.options.workingCopyOptions(d.env, d.settings.Value, d.log)
	if err == nil {
		options.Failed = d.seen.metrics.FetchFailed
		var repo *repository.Repository
		if repo, err = workingcopy.Prepare(ctx, options); repo != nil {
			d.copied.is(repo, options.Keys)
			return true
		}
	}
	if err != nil && ctx.Err() == nil {
		d.log.Warn("standing by without a working copy", "reason", err.Error(), "hint", hintOf(err), "again", standByEvery)
	}
	d.copied.waits(err)
	d.seen.metrics.SetWorkingCopy(err == nil)
	return false
}

func (w *workingCopy) isThere() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.repo != nil
}
