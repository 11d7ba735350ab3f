package pause

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/restore"
)

// ErrActing is the error of a pause after which something still acts. It can be repeated.
var ErrActing = errors.New("not everything was paused")

// Paused objects are paused now. It is the one result of a [Holder] that no [Activator] has.
const Paused Result = "paused"

// HoldReport says what was paused.
type HoldReport struct {
	Paused   int       `json:"paused"`
	Outcomes []Outcome `json:"outcomes"`
}

// Holder pauses what runs in a cluster.
type Holder struct {
	Cluster restore.Cluster
	// DryRun asks the server about every write.
	DryRun bool
	// Progress is called after each object; it may be nil.
	Progress func(done, total int)
}

// Hold pauses objects: those of one controller stage by stage, from the last one on, so that who acts on others stops
// first; those of different controllers at the same time. What fails keeps nothing else from being paused. It can be
// repeated: what is paused already is not written again. The report is true whatever the error is: [ErrActing], or that
// of a context that ended.
func (h Holder) Hold(ctx context.Context, holds []Hold) (HoldReport, error) {
	run := &holding{Holder: h, total: len(holds)}
	run.Cluster = restore.Patient(h.Cluster)
	if h.DryRun {
		run.Cluster = restore.DryRun(run.Cluster)
	}
	holds = slices.Clone(holds)
	SortHolds(holds)

	var group errgroup.Group
	for chain := range chunksBy(holds, func(a, b Hold) bool { return a.Controller == b.Controller }) {
		group.Go(func() error {
			for stage := range chunksBy(chain, func(a, b Hold) bool { return a.Stage == b.Stage }) {
				run.stage(ctx, stage)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in the outcomes

	return run.report(ctx)
}

// chunksBy yields runs of elements that belong together.
func chunksBy(holds []Hold, together func(a, b Hold) bool) func(yield func([]Hold) bool) {
	return func(yield func([]Hold) bool) {
		for len(holds) > 0 {
			n := 1
			for n < len(holds) && together(holds[0], holds[n]) {
				n++
			}
			if !yield(holds[:n]) {
				return
			}
			holds = holds[n:]
		}
	}
}

type holding struct {
	Holder

	total    int
	mu       sync.Mutex
	outcomes []Outcome
}

func (h *holding) stage(ctx context.Context, holds []Hold) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, one := range holds {
		group.Go(func() error {
			if o := h.hold(ctx, one); o != nil {
				h.note(*o)
			}
			return nil
		})
	}
	_ = group.Wait() // see note
}

// hold pauses one object, whoever writes it at the same time. It returns nil if the context ended.
func (h *holding) hold(ctx context.Context, one Hold) *Outcome {
	o := &Outcome{Object: one.Object, Controller: one.Controller, Result: Paused}
	if one.Problem != "" {
		o.Result, o.Reason = Failed, one.Problem
		return o
	}
	for race := 1; ; race++ {
		gone, err := h.tryHold(ctx, one)
		if apierrors.IsConflict(err) && race < mostRaces {
			if backoff.Sleep(ctx, backoff.Jitter(polling.Delay(race-1), one.Object.String())) == nil {
				continue
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case gone:
			o.Result = Gone
		case err != nil:
			o.Result, o.Reason = Failed, err.Error()
		}
		return o
	}
}

// tryHold reads an object and pauses what it finds. Who had its fields keeps them, as far as they are not those of a
// restore: what applies them is no conflict once it runs again.
func (h *holding) tryHold(ctx context.Context, one Hold) (gone bool, err error) {
	live, err := h.Cluster.Get(ctx, one.Object, one.APIVersion)
	if apierrors.IsNotFound(err) || errors.Is(err, restore.ErrNotServed) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if _, marked, _ := markOf(live); marked {
		return false, nil
	}
	content, acts, err := holdPatch(one, live)
	if err != nil || !acts {
		return false, err
	}

	request := restore.Request{By: restore.ByMerge, Object: one.Object, APIVersion: one.APIVersion, Content: content}
	answer, err := h.Cluster.Apply(ctx, request)
	if err == nil && !h.DryRun && isOthers(live) {
		giveBack(ctx, h.Cluster, one.Object, live, answer.ResourceVersion)
	}
	return apierrors.IsNotFound(err), ignoreNotFound(err)
}

func (h *holding) note(o Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcomes = append(h.outcomes, o)
	if h.Progress != nil {
		h.Progress(len(h.outcomes), h.total)
	}
}

func (h *holding) report(ctx context.Context) (HoldReport, error) {
	r := HoldReport{Outcomes: append([]Outcome{}, h.outcomes...)}
	left := h.total - len(r.Outcomes)
	for _, o := range r.Outcomes {
		switch o.Result {
		case Paused:
			r.Paused++
		case Failed:
			left++
		case Gone, Released, Held:
		}
	}
	slices.SortFunc(r.Outcomes, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(a.Controller, b.Controller), a.Object.Compare(b.Object))
	})

	switch {
	case ctx.Err() != nil && left > 0:
		return r, appbur.WithHint(fmt.Errorf("the pause was stopped with %s to go: %w", countedObjects(left), context.Cause(ctx)),
			"run it again, it continues where it stopped")
	case left > 0:
		return r, appbur.WithHint(fmt.Errorf("%w: %s still act", ErrActing, countedObjects(left)),
			"the report says why; pause again once the cause is gone")
	}
	return r, nil
}
