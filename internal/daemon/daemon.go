package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// Watcher reports what exists in a cluster until its context ends.
type Watcher interface {
	Watch(ctx context.Context, handler exporter.Handler) error
}

// Writer gathers changes and commits them.
type Writer interface {
	Put(result manifest.Result) error
	Delete(id appbur.ObjectID, by manifest.Revision) error
	KeepOnly(gk appbur.GroupKind, present map[string]struct{}) error
	// Doubt is called for a kind of which no changes arrive at the moment.
	Doubt(gk appbur.GroupKind)
	Changed() bool
	Commit(ctx context.Context, at time.Time, coverage appbur.Coverage) (repository.Outcome, error)
}

// Maintainer packs a repository together while commits go on.
type Maintainer interface {
	Maintain(ctx context.Context, o gitsync.MaintainOptions) (gitsync.MaintainReport, error)
}

// Options tune when commits are made.
type Options struct {
	// Quiet is how long nothing must happen before a commit.
	Quiet time.Duration
	// Limit is how long a change waits at most, however busy the cluster is.
	Limit time.Duration
	// Now is the clock.
	Now func() time.Time
	// Log receives what happens.
	Log *slog.Logger
	// Hint is the next step after an error that is logged; nil means [appbur.HintOf].
	Hint func(error) string
	// Forget removes the files of kinds that no longer exist and that no event will
	// ever report, because they were deleted while no watch ran. It is called before a
	// commit after the set of types has changed, with what is known of the types; it
	// may be nil.
	Forget func(context.Context, appbur.Coverage) error
	// Confirm is called before each commit and checks whether what was gathered is of the cluster
	// that the history is of; its error ends the run and nothing is committed. It may be
	// nil.
	Confirm func(context.Context) error
	// Committed is called after every commit; it may be nil.
	Committed func(repository.Outcome)
	// Maintainer looks after the repository after every MaintainAfter commits, in
	// the background; it may be nil.
	Maintainer    Maintainer
	MaintainAfter int
	// First says that the history has nothing of the cluster yet. Its first commit is then made when all
	// types are listed, however long that takes, so that no history begins with half a cluster.
	First bool
	// Undecided reports whether somebody may still say who made a change that waits. A commit waits for that, up to
	// Grace; it may be nil.
	Undecided func() bool
	Grace     time.Duration
	// Status is kept up to date for whoever asks; it may be nil.
	Status *Status
	// Paces brings another pace while the daemon runs. What a guard has kept back is tried again then. It may be nil.
	Paces <-chan Pace
}

// Pace is what can change while the daemon runs: the settings of [Options] that are called the same.
type Pace struct {
	Quiet, Limit  time.Duration
	MaintainAfter int
}

// Run watches and commits until ctx ends, which is no error.
func Run(ctx context.Context, watcher Watcher, writer Writer, o Options) error {
	if o.Hint == nil {
		o.Hint = appbur.HintOf
	}
	if o.Status == nil {
		o.Status = &Status{}
	}
	c := &collector{
		writer: writer, options: o, types: map[appbur.GroupKind]appbur.TypeCoverage{}, touched: make(chan struct{}, 1),
		trouble: &trouble{log: o.Log, now: o.Now},
	}
	defer c.trouble.report()
	o.Status.follow(c.behind)
	defer o.Status.follow(nil)
	watchContext, stop := context.WithCancel(ctx)
	defer stop()
	c.ended = watchContext.Done()
	upkeep := newUpkeep(watchContext, o)
	defer upkeep.wait()
	defer stop() // before the wait
	c.upkeep = upkeep
	ended := make(chan error, 1)
	go func() { ended <- watcher.Watch(watchContext, c) }()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()

	for {
		c.doing(stepWaiting)
		select {
		case pace := <-o.Paces:
			c.keep(pace)
			c.touch()
		case <-beat.C:
		case <-c.touched:
			c.settle(watchContext)
			c.awaitActors(watchContext)
			switch err := c.commit(watchContext); {
			case errors.Is(err, gitsync.ErrLocked):
				// Another writer, or git, is at it. What was gathered waits.
				c.options.Log.Warn("the repository is locked; the commit is tried again", "reason", err.Error())
				c.touch()
			case errors.Is(err, gitsync.ErrNoSpace):
				c.waitForRoom(err)
			case err != nil:
				stop()
				return errors.Join(err, unlessCancelled(<-ended))
			}
		case err := <-ended:
			// What was gathered is committed although ctx has ended.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
			defer cancel()
			if commitErr := c.commit(last); commitErr != nil {
				return commitErr
			}
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watching the cluster: %w", err)
		}
	}
}

// unlessCancelled drops the error of a watch that was cancelled.
func unlessCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// lastCommit bounds the commit that is made on the way out.
const lastCommit = 20 * time.Second

// collector is the handler of the watch. It passes changes to the writer and
// remembers that there was one.
type collector struct {
	writer  Writer
	options Options
	upkeep  *upkeep
	trouble *trouble
	touched chan struct{}
	// ended is closed when no more is wanted of the watch.
	ended <-chan struct{}
	// withoutRoom counts the commits in a row that found no room on the disk.
	withoutRoom int

	// gate admits events together and Forget alone: what is Put while a kind is being
	// proven gone would go with it.
	gate sync.RWMutex

	mu    sync.Mutex
	types map[appbur.GroupKind]appbur.TypeCoverage
	holes []appbur.GroupFailure
	// settled is true while Forget has seen the set of types as it is.
	settled bool

	// endsHalfway tells once that it ends before all types are listed, whatever still comes.
	endsHalfway sync.Once
}

var _ exporter.Handler = (*collector)(nil)

// touch notes a change without waiting.
func (c *collector) touch() {
	select {
	case c.touched <- struct{}{}:
	default:
	}
}

// doing notes what the loop does.
func (c *collector) doing(s step) { c.options.Status.beat(s, c.options.Now()) }

// Discovered implements [exporter.Handler].
func (c *collector) Discovered(types []exporter.Type) error {
	c.options.Status.discover(types)
	return nil
}

// Put implements [exporter.Handler].
func (c *collector) Put(_ exporter.Type, result manifest.Result) error {
	return c.onceThereIsRoom(func() error {
		defer c.touch()
		c.gate.RLock()
		defer c.gate.RUnlock()
		return c.writer.Put(result)
	})
}

// Delete implements [exporter.Handler].
func (c *collector) Delete(_ exporter.Type, id appbur.ObjectID, by manifest.Revision) error {
	defer c.touch()
	c.gate.RLock()
	defer c.gate.RUnlock()
	return c.writer.Delete(id, by)
}

// Synced implements [exporter.Handler].
func (c *collector) Synced(_ exporter.Type, coverage appbur.TypeCoverage, present map[string]struct{}) error {
	defer c.touch()
	c.gate.RLock()
	defer c.gate.RUnlock()
	c.note(coverage)
	c.options.Status.list(coverage.GroupKind())
	return c.writer.KeepOnly(coverage.GroupKind(), present)
}

// Covered implements [exporter.Handler].
func (c *collector) Covered(coverage appbur.TypeCoverage) error {
	defer c.touch()
	c.note(coverage)
	return nil
}

// Gone implements [exporter.Handler].
func (c *collector) Gone(t exporter.Type) error {
	defer c.touch()
	c.gate.RLock()
	defer c.gate.RUnlock()
	gk := t.GroupKind()
	c.mu.Lock()
	delete(c.types, gk)
	c.settled = false
	c.mu.Unlock()
	c.options.Status.list(gk)
	return c.writer.KeepOnly(gk, nil)
}

// Failed implements [exporter.Handler].
func (c *collector) Failed(coverage appbur.TypeCoverage) error {
	c.trouble.fails(coverage.GroupKind().String(), coverage.Reason)
	c.writer.Doubt(coverage.GroupKind())
	c.note(coverage)
	c.options.Status.list(coverage.GroupKind())
	return nil
}

// Holes implements [exporter.Handler].
func (c *collector) Holes(groups []appbur.GroupFailure) error {
	defer c.touch()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range groups {
		if !g.Virtual && !slices.Contains(c.holes, g) {
			c.trouble.fails("API group "+g.GroupVersion, g.Reason)
		}
	}
	for _, g := range c.holes {
		if !g.Virtual && !slices.ContainsFunc(groups, func(o appbur.GroupFailure) bool { return o.GroupVersion == g.GroupVersion }) {
			c.trouble.works("API group " + g.GroupVersion)
		}
	}
	c.holes, c.settled = groups, false
	return nil
}

func (c *collector) note(coverage appbur.TypeCoverage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, known := c.types[coverage.GroupKind()]
	if !known {
		c.settled = false
	}
	if known && !before.Complete && coverage.Complete {
		c.trouble.works(coverage.GroupKind().String())
	}
	for _, u := range coverage.Unsaved {
		if !slices.Contains(before.Unsaved, u) {
			id := appbur.ObjectID{Group: coverage.Group, Kind: coverage.Kind, Namespace: u.Namespace, Name: u.Name}
			c.options.Log.Warn("an object cannot be saved; its file stays as it was", "object", id.String(), "reason", u.Reason)
		}
	}
	c.types[coverage.GroupKind()] = coverage
}

func (c *collector) coverage() appbur.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	coverage := appbur.Coverage{Groups: slices.Clone(c.holes)}
	for _, t := range c.types {
		coverage.Types = append(coverage.Types, t)
	}
	coverage.Sort()
	return coverage
}

// keep goes by another pace from now on. It is for the goroutine that commits.
func (c *collector) keep(pace Pace) {
	c.options.Quiet, c.options.Limit = pace.Quiet, pace.Limit
	c.upkeep.options.MaintainAfter = pace.MaintainAfter
}

// behind says what main lacks of the cluster.
func (c *collector) behind() error {
	if coverage := c.coverage(); !coverage.Complete() {
		return errors.New("types cannot be read at the moment")
	}
	if c.writer.Changed() {
		return errors.New("changes are not committed yet")
	}
	return nil
}

// forget deletes the files of kinds that were deleted while no watch ran. Those that cannot be proven
// to be gone stay until the set of types changes again.
func (c *collector) forget(ctx context.Context) error {
	c.mu.Lock()
	settled := c.settled
	c.settled = true
	c.mu.Unlock()
	if settled || c.options.Forget == nil {
		return nil
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	err := c.options.Forget(ctx, c.coverage())
	if ctx.Err() != nil {
		return nil // the commit on the way out needs no proof of absence
	}
	return err
}

func (c *collector) commit(ctx context.Context) error {
	c.doing(stepCommitting)
	if err := c.forget(ctx); err != nil {
		return err
	}
	if !c.writer.Changed() {
		return nil
	}
	if c.halfway() {
		c.endsHalfway.Do(func() {
			c.options.Log.Warn("it ends before all types are listed, and nothing of the cluster is saved yet",
				"reason", c.options.Status.Listed().Error())
		})
		return nil
	}
	if c.options.Confirm != nil {
		if err := c.options.Confirm(ctx); err != nil {
			return err
		}
	}
	outcome, err := c.writer.Commit(ctx, c.options.Now(), c.coverage())

	var guard *repository.GuardError
	switch {
	case errors.As(err, &guard):
		c.options.Log.Error("a guard refused the commit; what was seen is kept back", "reason", err.Error(), "hint", c.options.Hint(err))
		return nil
	case err != nil && ctx.Err() != nil:
		return nil // the commit on the way out follows
	case err != nil:
		return err
	case outcome.Committed:
		c.options.First, c.withoutRoom = false, 0
		c.options.Log.Info("committed", "commit", outcome.Commit.Short(), "subject", outcome.Subject, "added", outcome.Added, "changed",
			outcome.Changed, "removed", outcome.Removed, "commits", max(len(outcome.Parts), 1))
		if outcome.Unseen != nil && !errors.Is(outcome.Unseen, keyring.ErrReadOnly) { // that was said at the start
			c.options.Log.Warn("the commit could not be remembered, so a later rewrite of it would not be noticed", "reason", outcome.Unseen.Error())
		}
		if c.options.Committed != nil {
			c.options.Committed(outcome)
		}
		c.upkeep.committed()
	}

	return nil
}
