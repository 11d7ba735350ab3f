package exporter

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/manifest"
)

// Handler receives what [Exporter.Watch] sees. Calls about one type come one after
// the other, calls about different types at the same time. An error ends the watch.
type Handler interface {
	// Discovered reports the types that discovery lists, each time that it was read, before
	// anything of a new one is reported. Each new one is then Synced or Failed.
	Discovered(types []Type) error
	// Put reports an object that was created or changed, or that is listed again.
	// When it is not saved (any more), its file must go. One that has a Failure, or for
	// which Put returns an [appbur.ObjectError], exists and cannot be saved: its file
	// stays, and the watch goes on.
	Put(t Type, r manifest.Result) error
	// Delete reports an object that was deleted, and by which write.
	Delete(t Type, id appbur.ObjectID, by manifest.Revision) error
	// Synced reports a complete list: of this type exactly the saved objects whose
	// paths are in present exist, and each has been Put. It also says that a type
	// that had failed can be read again. present belongs to the handler.
	Synced(t Type, c appbur.TypeCoverage, present map[string]struct{}) error
	// Covered reports that the objects of a synced type that cannot be saved are others
	// now.
	Covered(c appbur.TypeCoverage) error
	// Gone reports that the type itself does not exist any more: its definition or its
	// registration was deleted, or the API server now is of a release without it. None
	// of its objects exists.
	Gone(t Type) error
	// Failed reports that a type cannot be read now. Its files must stay as they are.
	Failed(c appbur.TypeCoverage) error
	// Holes reports the groups that discovery cannot read now, whenever they change:
	// files of their types must stay as they are. It may be empty.
	Holes(groups []appbur.GroupFailure) error
}

// Watch captures all the time: each type is listed, then watched from the
// resourceVersion of the list, and listed again when the server has forgotten that
// version. Types that appear are picked up, types that are proven not to exist any
// more (see [Exporter.Absent]) are reported as gone.
//
// Watch outlives the API server: while it is away, types are reported as failed
// after a while, and all are listed again when it is back. It also lists all of them
// again when the store of the API server has gone back in time, and each from time to
// time in any case. It returns when ctx ends, with the error of ctx, when the handler
// or the very first discovery fails, or when another cluster answers
// ([ErrOtherCluster]).
func (e *Exporter) Watch(ctx context.Context, h Handler) error {
	types, failed, err := e.Discover(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	w := &watcher{
		exporter: e, handler: h, group: group, changed: make(chan struct{}, 1), rewound: make(chan struct{}, 1),
		lists: make(chan struct{}, e.options.Parallel), running: make(map[appbur.GroupKind]*running),
		outage: &outage{exporter: e, log: e.options.Log},
	}
	group.Go(func() error { return w.supervise(ctx, types, failed) })
	group.Go(func() error { return w.attend(ctx) })
	return group.Wait()
}

// watcher starts and stops the watches of single types.
type watcher struct {
	exporter *Exporter
	handler  Handler
	group    *errgroup.Group
	// changed is signalled when the set of types may have changed.
	changed chan struct{}
	// rewound is signalled when what the watches rely on is not true any more.
	rewound chan struct{}
	// lists bounds how many types are listed at the same time.
	lists  chan struct{}
	outage *outage
	// running is used by the supervisor alone.
	running map[appbur.GroupKind]*running
}

// running is the watch of one type.
type running struct {
	t    Type
	stop context.CancelFunc
	done sync.WaitGroup
}

// supervise keeps the running watches equal to what discovery says.
func (w *watcher) supervise(ctx context.Context, types []Type, failed []appbur.GroupFailure) error {
	var checks []time.Duration // still to come after a change
	failures := 0
	var known []appbur.GroupFailure

	for {
		if !slices.Equal(failed, known) {
			known = failed
			if err := w.handler.Holes(slices.Clone(failed)); err != nil {
				return err
			}
		}
		if err := w.handler.Discovered(slices.Clone(types)); err != nil {
			return err
		}
		if err := w.reconcile(ctx, types); err != nil {
			return err
		}
		pause := w.exporter.options.Rediscover
		if failures > 0 || anyReal(failed) {
			pause = min(pause, w.exporter.timing.rediscover.Delay(failures))
		}
		if len(checks) > 0 {
			pause, checks = checks[0], checks[1:]
		}
		why, err := w.wait(ctx, pause)
		if err != nil {
			return err
		}
		if why == wokenByChange {
			checks = w.exporter.timing.afterChange[1:]
			if err := backoff.Sleep(ctx, w.exporter.timing.afterChange[0]); err != nil {
				return err
			}
		}
		next, holes, err := w.exporter.Discover(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			failures++
			w.outage.failed(ctx, err)
			if failures > 1 || w.outage.away() {
				break // it was said
			}
			w.exporter.options.Log.Warn("discovery failed; the types known so far are watched on", "err", err)
		default:
			types, failed = next, holes
			if failures++; !anyReal(holes) {
				failures = 0
			}
		}
		if why == wokenByRewind {
			if err := w.restart(ctx); err != nil {
				return err
			}
		}
	}
}

// woken says why a supervisor looks at the types again.
type woken int

const (
	wokenByTime woken = iota
	wokenByChange
	wokenByRewind
)

// wait returns when the set of types may have changed, when the watches cannot be
// relied on any more, or when the pause is over.
func (w *watcher) wait(ctx context.Context, pause time.Duration) (woken, error) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-w.rewound:
		return wokenByRewind, nil
	case <-w.changed:
		return wokenByChange, nil
	case <-timer.C:
		return wokenByTime, nil
	case <-ctx.Done():
		return wokenByTime, ctx.Err()
	}
}

// restart lists everything again.
func (w *watcher) restart(ctx context.Context) error {
	for _, r := range w.running {
		r.stop()
		r.done.Wait()
		if err := w.start(ctx, r.t); err != nil {
			return err
		}
	}
	return nil
}

// signal makes the supervisor read discovery again. It never blocks.
func (w *watcher) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// reconcile starts watches of new types, moves those whose version changed, and
// ends those that do not exist any more.
func (w *watcher) reconcile(ctx context.Context, types []Type) error {
	present := make(map[appbur.GroupKind]bool, len(types))
	for _, t := range types {
		present[t.GroupKind()] = true
		old, ok := w.running[t.GroupKind()]
		if ok && old.t.GroupVersionResource == t.GroupVersionResource {
			continue
		}
		if ok {
			w.exporter.options.Log.Info("a type is read at another version from now on", "from", old.t.String(), "to", t.String())
			old.stop()
			old.done.Wait()
		}
		if err := w.start(ctx, t); err != nil {
			return err
		}
	}

	for kind, r := range w.running {
		if present[kind] {
			continue
		}
		if !w.proven(ctx, r.t) {
			continue // a hole in discovery proves nothing
		}
		r.stop()
		r.done.Wait()
		// It may have come again since, and its watch may have seen objects of its new
		// life: only a proof that is younger than the watch's last word holds for those.
		if !w.proven(ctx, r.t) {
			if err := w.start(ctx, r.t); err != nil {
				return err
			}
			continue
		}
		delete(w.running, kind)
		if err := w.handler.Gone(r.t); err != nil {
			return err
		}
	}

	return nil
}

// proven reports whether a type is known not to exist at this moment.
func (w *watcher) proven(ctx context.Context, t Type) bool {
	gone, err := w.exporter.gone(ctx, t)
	return err == nil && gone
}

func (w *watcher) start(ctx context.Context, t Type) error {
	r := &running{t: t}
	w.running[t.GroupKind()] = r
	if coverage, skip := w.exporter.skipped(t); skip {
		r.stop = func() {}
		return w.handler.Synced(t, coverage, map[string]struct{}{})
	}
	ctx, r.stop = context.WithCancel(ctx)
	r.done.Add(1)
	w.group.Go(func() error {
		defer r.done.Done()
		tw := typeWatch{watcher: w, t: t}
		err := tw.run(ctx)
		if ctx.Err() != nil && !tw.handlerFailed {
			return nil // stopped, alone or with all others
		}
		return err
	})
	return nil
}
