package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"golang.org/x/sync/errgroup"
)

// RuleDeletedWhileReading is the rule of results for objects that were emitted and
// turned out to be gone before their list was complete.
const RuleDeletedWhileReading = "deleted-while-reading"

// Capture reads every object of the cluster once. emit is called from several
// goroutines at the same time, with one result for each object, saved or not. A
// later result for the same object replaces an earlier one: that happens when the
// server forgets a long list half-way (see [RuleDeletedWhileReading]).
//
// A type that cannot be read is recorded in the coverage and costs nothing else.
// The error is for when nothing could be read, ctx ended or emit failed.
func (e *Exporter) Capture(ctx context.Context, emit func(Type, manifest.Result) error) (appbur.Coverage, error) {
	types, failed, err := e.Discover(ctx)
	if err != nil {
		return appbur.Coverage{}, err
	}
	c := &capture{exporter: e, emit: emit, work: make(chan func() error)}
	c.coverage.Groups = failed

	makers, makersCtx := errgroup.WithContext(ctx)
	for range e.makers {
		makers.Go(func() error {
			for do := range c.work {
				if err := do(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	listers, listersCtx := errgroup.WithContext(makersCtx)
	listers.SetLimit(e.options.Parallel)
	for _, t := range types {
		listers.Go(func() error { return c.read(listersCtx, t) })
	}
	listErr := listers.Wait()
	close(c.work)
	if err := makers.Wait(); err != nil {
		return appbur.Coverage{}, err
	}
	if err := ctx.Err(); err != nil {
		return appbur.Coverage{}, err
	}
	if listErr != nil {
		return appbur.Coverage{}, listErr
	}
	c.coverage.Sort()
	if c.tried > 0 && c.failed == c.tried {
		return c.coverage, fmt.Errorf("no type could be read: %w", explain(c.firstErr))
	}
	return c.coverage, nil
}

// capture is one run of Capture.
type capture struct {
	exporter *Exporter
	emit     func(Type, manifest.Result) error
	// work carries pages from those who list to those who make manifests, so that
	// one large type keeps all processors busy.
	work chan func() error

	mutex         sync.Mutex
	coverage      appbur.Coverage
	tried, failed int
	firstErr      error
}

// read reads one type and records its coverage. Its error ends the whole capture.
func (c *capture) read(ctx context.Context, t Type) error {
	if coverage, skip := c.exporter.skipped(t); skip {
		c.record(coverage, nil)
		return nil
	}
	r := reading{capture: c, t: t}
	resourceVersion, err := c.exporter.pages(ctx, t, func(items []map[string]any) error {
		r.pending.Add(1)
		select {
		case c.work <- func() error { defer r.pending.Done(); return r.make(ctx, items) }:
			return nil
		case <-ctx.Done():
			r.pending.Done()
			return ctx.Err()
		}
	}, r.restart)
	r.pending.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		err = r.err
	}
	coverage := t.coverage()
	coverage.Saved, coverage.Excluded = r.saved, r.excluded
	if t.Custom && isAbsent(err) {
		if gone, goneErr := c.exporter.definitionGone(ctx, t); gone && goneErr == nil {
			r.restart()
			return r.withdraw() // as if its definition had been deleted a moment earlier
		}
	}
	if err != nil {
		coverage.Reason = reasonOf(err)
		c.exporter.options.Log.Warn("a type cannot be read", "type", t.String(), "err", err)
		c.record(coverage, err)
		return nil
	}
	coverage.Complete, coverage.ResourceVersion = true, resourceVersion
	if err := r.withdraw(); err != nil {
		return err
	}
	c.record(coverage, nil)
	return nil
}

func (c *capture) record(coverage appbur.TypeCoverage, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.coverage.Types = append(c.coverage.Types, coverage)
	if coverage.Complete && coverage.ResourceVersion == "" {
		return // not read at all, by a rule
	}
	c.tried++
	if err != nil {
		c.failed++
		if c.firstErr == nil {
			c.firstErr = err
		}
	}
}

// reading is the state of one type while it is read. The makers of several pages
// share it.
type reading struct {
	capture *capture
	t       Type
	pending sync.WaitGroup

	mutex           sync.Mutex
	saved, excluded int
	// emitted are the objects that this attempt emitted as saved, stale those of
	// earlier attempts that this one has not come across.
	emitted roll
	stale   map[appbur.ObjectID]bool
	err     error
}

func (r *reading) make(ctx context.Context, items []map[string]any) error {
	ids := make([]appbur.ObjectID, 0, len(items))
	excluded := make([]appbur.ObjectID, 0, len(items))
	for _, item := range items {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		result, err := r.capture.exporter.rules.Make(item)
		if err != nil {
			r.fail(err)
			continue
		}
		if result.Decision.Saved {
			ids = append(ids, result.Manifest.ID)
		} else {
			excluded = append(excluded, result.Manifest.ID)
		}
		if err := r.capture.emit(r.t, result); err != nil {
			return err
		}
	}
	r.count(ids, excluded)
	return nil
}

// count writes a page down, which keeps the names in the order of the list.
func (r *reading) count(saved, excluded []appbur.ObjectID) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.saved += len(saved)
	r.excluded += len(excluded)
	for _, id := range saved {
		r.emitted.add(id)
	}
	if len(r.stale) == 0 {
		return
	}
	for _, id := range saved {
		delete(r.stale, id)
	}
	for _, id := range excluded {
		delete(r.stale, id)
	}
}

// fail remembers that some object could not be made into a manifest, so the type
// is not complete.
func (r *reading) fail(err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.err = errors.Join(r.err, err)
}

// restart begins to count again. What was emitted may be stale now.
func (r *reading) restart() {
	r.pending.Wait()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.stale == nil {
		r.stale = make(map[appbur.ObjectID]bool, r.saved)
	}
	r.emitted.each(func(id appbur.ObjectID) { r.stale[id] = true })
	r.emitted = roll{}
	r.saved, r.excluded, r.err = 0, 0, nil
}

// withdraw takes back what an earlier attempt emitted and the last one did not see.
func (r *reading) withdraw() error {
	for id := range r.stale {
		err := r.capture.emit(r.t, manifest.Result{
			Decision: manifest.Decision{Rule: RuleDeletedWhileReading, Reason: "it was deleted while the list was read"},
			Manifest: manifest.Manifest{ID: id, APIVersion: r.t.GroupVersionResource.GroupVersion().String()},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
