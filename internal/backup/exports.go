package backup

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/progress"
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
	observer Observer
	group    *errgroup.Group
	// received counts bytes, whole the exports that succeeded.
	received, whole atomic.Int64
	// told says that the observer is told of exports, and no longer of other work.
	told atomic.Bool
	// expected is how many bytes the last point holds of the same applications, 0 if it
	// lacks one of them.
	expected int64
	targets  int
}

// beginExports starts to take the state of every application. The first that fails
// cancels the returned context: an application that is missing ends the backup before
// anything is written.
func (m *Maker) beginExports(ctx context.Context, targets []apps.Target, store pointStore, last appbur.RestorePoint) (
	*exporting, context.Context,
) {
	group, ctx := errgroup.WithContext(ctx)
	x := &exporting{observer: m.Observer, group: group, expected: sizeOf(targets, last), targets: len(targets)}
	if len(targets) == 0 {
		return x, ctx
	}

	counted := countingStore{store, x.count}
	slots := make(chan struct{}, parallelExports)
	for _, target := range targets {
		group.Go(func() error {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-slots }()
			state, err := apps.Export(ctx, m.Dialer, target, counted, m.Random)
			if err == nil {
				err = store.Application(state)
			}
			if err != nil {
				return fmt.Errorf("no restore point was made: %w", err)
			}
			x.whole.Add(1)
			x.report()
			return nil
		})
	}
	return x, ctx
}

// sizeOf is how many bytes a point holds of applications, 0 if it lacks one of them.
func sizeOf(targets []apps.Target, point appbur.RestorePoint) (size int64) {
	for _, target := range targets {
		at := slices.IndexFunc(point.Apps, func(a appbur.AppState) bool { return a.AppKey == target.AppKey })
		if at < 0 {
			return 0
		}
		for _, d := range point.Apps[at].Datasets {
			size += d.Size
		}
	}
	return size
}

func (x *exporting) count(bytes int) {
	x.received.Add(int64(bytes))
	x.report()
}

func (x *exporting) report() {
	if x.told.Load() {
		x.observer.Reached(x.received.Load(), fmt.Sprintf("%d of %d whole", x.whole.Load(), x.targets))
	}
}

// beside runs other work until all exports have ended, and returns the first error of
// anything. The work may tell the observer its own progress; that of the exports follows it.
func (x *exporting) beside(work func() error) error {
	worked := make(chan struct{})
	x.group.Go(func() error {
		defer close(worked)
		return work()
	})
	<-worked
	if x.targets == 0 {
		return x.group.Wait()
	}

	what := "exporting 1 application"
	if x.targets != 1 {
		what = fmt.Sprintf("exporting %d applications", x.targets)
	}
	x.observer.Begins(what, progress.Bytes, x.expected)
	defer x.observer.Ends()
	x.told.Store(true)
	x.report()
	return x.group.Wait()
}
