package exporter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// RuleDeletedWhileReading is the rule of results for objects that were emitted and
// turned out to be gone before their list was complete.
const RuleDeletedWhileReading = "deleted-while-reading"

// Capture reads every object of the cluster once. emit is called from several
// goroutines at the same time, with one result for each object, saved or not. A
// later result for the same object replaces an earlier one: that happens when the
// server forgets a long list half-way (see [RuleDeletedWhileReading]).
//
// A type that cannot be read is recorded in the coverage and costs nothing else, and
// so is an object that cannot be saved: it is emitted with its Failure, or emit
// returns an [appbur.ObjectError]. The error is for when nothing could be read, ctx
// ended or emit failed otherwise.
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

// read reads one type and records its coverage. Its error ends the complete capture.
func (c *capture) read(ctx context.Context, t Type) error {
	if coverage, skip := c.exporter.skipped(t); skip {
		c.record(coverage, nil)
		return nil
	}

	r := reading{capture: c, t: t, unsaved: unsaved{}}
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
	r.unsaved.describe(&coverage)

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
	emitted nameSet
	stale   map[appbur.ObjectID]bool
	unsaved unsaved
	err     error
}

func (r *reading) make(ctx context.Context, items []map[string]any) error {
	p := pageMade{}
	for _, item := range items {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		result, err := makeOne(r.capture.exporter.rules, item)
		if err != nil {
			r.fail(err)
			continue
		}
		id := result.Manifest.ID
		err = r.capture.emit(r.t, result)
		var one *appbur.ObjectError
		if err != nil && !errors.As(err, &one) {
			return err
		}
		p.add(id, result, err)
	}

	r.count(p)
	return nil
}

// pageMade is what became of the objects of one page.
type pageMade struct {
	// there are those whose files are to be kept, excluded those that a rule leaves out.
	there, excluded []appbur.ObjectID
	failures        map[appbur.ObjectID]error
}

func (p *pageMade) add(id appbur.ObjectID, result manifest.Result, err error) {
	if err == nil && result.Failure != nil {
		err = &appbur.ObjectError{ID: id, Err: result.Failure}
	}
	switch {
	case err != nil:
		if p.failures == nil {
			p.failures = make(map[appbur.ObjectID]error)
		}
		p.failures[id] = err
		p.there = append(p.there, id)
	case result.Decision.Saved:
		p.there = append(p.there, id)
	default:
		p.excluded = append(p.excluded, id)
	}
}

// count writes a page down, which keeps the names in the order of the list.
func (r *reading) count(p pageMade) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.saved += len(p.there) - len(p.failures)
	r.excluded += len(p.excluded)
	for _, id := range p.there {
		r.emitted.add(id)
	}
	for id, err := range p.failures {
		_, _ = r.unsaved.take(id, err)
	}

	if len(r.stale) == 0 {
		return
	}
	for _, id := range p.there {
		delete(r.stale, id)
	}
	for _, id := range p.excluded {
		delete(r.stale, id)
	}
}

// fail remembers an object without a name. Any file of the type could be about it, so
// the type is not complete.
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
	r.emitted = nameSet{}
	r.saved, r.excluded, r.err = 0, 0, nil
	clear(r.unsaved)
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
