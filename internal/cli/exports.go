package cli

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
)

// parallelExports bounds how many applications are asked at once. Each export holds a
// snapshot open in its application and fills a few pieces of a payload here.
const parallelExports = 4

// pointStore takes what applications export; see [repository.PointWriter].
type pointStore interface {
	apps.Store
	Application(state appbur.AppState) error
}

// exporting are exports under way beside other work.
type exporting struct {
	group *errgroup.Group
	// ended has one value per export that succeeded.
	ended chan struct{}
	total int
}

// beginExports starts to take the state of every application. The first that fails
// cancels the returned context: an application that is missing ends the backup before
// anything is written.
func beginExports(ctx context.Context, e *env, targets []apps.Target, o *appOptions, store pointStore) (*exporting, context.Context, error) {
	group, ctx := errgroup.WithContext(ctx)
	x := &exporting{group: group, ended: make(chan struct{}, len(targets)), total: len(targets)}
	if len(targets) == 0 {
		return x, ctx, nil
	}
	dialer, err := o.dialer()
	if err != nil {
		return nil, nil, err
	}
	slots := make(chan struct{}, parallelExports)
	for _, target := range targets {
		group.Go(func() error {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-slots }()
			state, err := apps.Export(ctx, dialer, target, store, e.rand)
			if err == nil {
				err = store.Application(state)
			}
			if err != nil {
				return fmt.Errorf("no restore point was made: %w", err)
			}
			x.ended <- struct{}{}
			return nil
		})
	}
	return x, ctx, nil
}

// beside runs other work until all exports have ended, and returns the first error of
// anything. The work may draw its own progress; that of the exports follows it.
func (x *exporting) beside(ctx context.Context, e *env, work func() error) error {
	worked := make(chan struct{})
	x.group.Go(func() error {
		defer close(worked)
		return work()
	})
	<-worked
	bar := newProgress(e.Streams, e.now, "exporting applications", x.total)
	for done := 0; done < x.total && ctx.Err() == nil; {
		select {
		case <-x.ended:
			done++
			bar.set(done, x.total)
		case <-ctx.Done():
		}
	}
	bar.finish()
	return x.group.Wait()
}
