package exporter

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/manifest"
)

// typeWatch captures one type all the time.
type typeWatch struct {
	*watcher
	t Type
	// resourceVersion is where the watch continues.
	resourceVersion string
	// listed is when the last list began.
	listed time.Time
	// handlerFailed is true when the error came from the handler.
	handlerFailed bool
	// covered is what the last list said of the type, with what was seen since.
	covered appbur.TypeCoverage
	unsaved unsaved
	// reported is the reason that was last reported as a failure, "" when there is
	// none.
	reported string
}

// run lists and watches until ctx ends or the handler fails.
func (w *typeWatch) run(ctx context.Context) error {
	for failures := 0; ; {
		started := w.exporter.options.Now()
		err := w.sync(ctx)
		if err == nil {
			w.reported = ""
			err = w.follow(ctx)
		}
		if ctx.Err() != nil || w.handlerFailed {
			return err
		}

		if w.exporter.options.Now().Sub(started) > w.exporter.timing.brief {
			failures = 0
		}
		if err != nil {
			w.outage.failed(ctx, err)
			if err := w.fail(err); err != nil {
				return err
			}
		}

		// Also after a watch that ended well: a type that must be listed again and
		// again must not keep the server busy.
		if err := backoff.Sleep(ctx, backoff.Jitter(w.exporter.timing.relist.Delay(failures), w.t.String())); err != nil {
			return err
		}
		failures++
	}
}

// fail reports a type that cannot be read, once for each reason.
func (w *typeWatch) fail(err error) error {
	coverage := w.t.coverage()
	coverage.Reason = reasonOf(err)
	if coverage.Reason == w.reported {
		return nil
	}
	w.reported = coverage.Reason
	return w.handled(w.handler.Failed(coverage))
}

// sync lists the type and reports exactly what exists.
func (w *typeWatch) sync(ctx context.Context) error {
	select {
	case w.lists <- struct{}{}:
		defer func() { <-w.lists }()
	case <-ctx.Done():
		return ctx.Err()
	}

	w.listed = w.exporter.options.Now()
	coverage := w.t.coverage()
	present := make(map[string]struct{})

	w.unsaved = unsaved{}
	resourceVersion, err := w.exporter.pages(ctx, w.t, func(items []map[string]any) error {
		for _, item := range items {
			result, _, err := w.put(item, "")
			if err != nil {
				return err
			}
			if !result.Decision.Saved && result.Failure == nil {
				coverage.Excluded++
				continue
			}
			present[result.Manifest.ID.Path()] = struct{}{}
		}
		return nil
	}, func() {
		coverage.Excluded = 0
		clear(present)
		clear(w.unsaved)
	})
	if err != nil {
		return err
	}

	w.outage.works()
	w.resourceVersion = resourceVersion
	coverage.Complete, coverage.ResourceVersion = true, resourceVersion
	coverage.Saved = len(present) - len(w.unsaved)
	w.unsaved.describe(&coverage)
	w.covered = coverage
	if definesTypes[w.t.GroupKind()] {
		// A definition may have come between discovery and this list; no event will
		// show it.
		w.signal()
	}
	return w.handled(w.handler.Synced(w.t, coverage, present))
}

// put makes a manifest of an object and hands it on. event is the one that brought it, "" for a list; news says that the
// object could not be saved, or now can.
func (w *typeWatch) put(obj map[string]any, event string) (result manifest.Result, news bool, err error) {
	if result, err = makeOne(w.exporter.rules, obj); err != nil {
		return manifest.Result{}, false, err
	}
	if _, unsaved := w.unsaved[result.Manifest.ID]; !unsaved { // from what was saved, more than one write leads here
		result.Revision.Event = event
	}
	err = w.handler.Put(w.t, result)
	if err == nil && result.Failure != nil {
		err = &appbur.ObjectError{ID: result.Manifest.ID, Err: result.Failure}
	}
	news, err = w.unsaved.take(result.Manifest.ID, err)
	return result, news, w.handled(err)
}

// covers reports to the handler which objects cannot be saved now.
func (w *typeWatch) covers() error {
	w.unsaved.describe(&w.covered)
	return w.handled(w.handler.Covered(w.covered))
}

// handled remembers that an error is the handler's own.
func (w *typeWatch) handled(err error) error {
	if err != nil {
		w.handlerFailed = true
	}
	return err
}

// follow watches from the resourceVersion of the list and continues where a
// connection broke. It returns nil when the type must be listed again and an error
// when the type cannot be read.
func (w *typeWatch) follow(ctx context.Context) error {
	if !w.t.Watchable {
		return backoff.Sleep(ctx, w.exporter.options.Rediscover)
	}
	timing := w.exporter.timing
	failures := 0
	var since time.Time // when the watch stopped to work, zero right after the list
	for {
		started := w.exporter.options.Now()
		seen, err := w.stream(ctx, since)
		w.outage.failed(ctx, err)

		now := w.exporter.options.Now()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case w.handlerFailed:
			return err
		case errors.Is(err, errBack):
			// Another store answers a watch as if nothing was.
			w.exporter.options.Log.Debug("the server is back after an outage; the type is listed again", "type", w.t.String())
			return nil
		case errors.Is(err, errSilent) && seen.frames > 0:
			w.exporter.options.Log.Debug("the watch fell silent; the type is listed again", "type", w.t.String())
			return nil
		case isExpired(err):
			w.exporter.options.Log.Debug("the server has forgotten where the watch was; the type is listed again", "type", w.t.String())
			return nil
		case err != nil && !isPassing(err) && !isBroken(err):
			return err
		case seen.worked(now, timing.brief):
			failures, since = 0, now
		case since.IsZero():
			since = started
		case now.Sub(since) > timing.outage:
			return err // listing again shows whether the type can be read
		}

		if err == nil && now.Sub(w.listed) > backoff.Jitter(w.exporter.options.Relist, w.t.String()) {
			return nil
		}
		if err := backoff.Sleep(ctx, max(backoff.Jitter(timing.reconnect.Delay(failures), w.t.String()), retryAfter(err))); err != nil {
			return err
		}
		failures++
	}
}

// delete hands on a deletion.
func (w *typeWatch) delete(obj map[string]any) error {
	id, err := manifest.IDOf(obj)
	if err != nil {
		return err
	}
	revision := manifest.RevisionOf(obj)
	revision.Event = string(watch.Deleted)
	if err := w.handled(w.handler.Delete(w.t, id, revision)); err != nil {
		return err
	}
	if news, _ := w.unsaved.take(id, nil); news {
		return w.covers()
	}
	return nil
}

// definesTypes are the kinds whose objects change what discovery says.
var definesTypes = map[appbur.GroupKind]bool{
	gk("apiextensions.k8s.io", "CustomResourceDefinition"): true,
	gk("apiregistration.k8s.io", "APIService"):             true,
}
