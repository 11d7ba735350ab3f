package pause

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/restore"
)

// ErrHeld is the error of a release that ended before everything was released. What was not stays
// paused, and the same release can be run again.
var ErrHeld = errors.New("not everything was released")

// Result is what became of one paused object. The set is closed.
type Result string

// The results.
const (
	// Released objects are as they were before.
	Released Result = "released"
	// Gone objects, or their marks, are no longer there.
	Gone Result = "gone"
	// Held objects stay paused, because an earlier stage of their controller is not ready.
	Held Result = "held"
	// Failed objects could not be released.
	Failed Result = "failed"
)

// Outcome is what became of one paused object.
type Outcome struct {
	Object     appbur.ObjectID `json:"object"`
	Controller string          `json:"controller,omitempty"`
	Result     Result          `json:"result"`
	Reason     string          `json:"reason,omitempty"`
}

// Report says what was released.
type Report struct {
	Released int       `json:"released"`
	Outcomes []Outcome `json:"outcomes"`
}

// Activator releases paused objects.
type Activator struct {
	Cluster restore.Cluster
	// Wait is how long a stage may take to be ready; zero does not wait.
	Wait time.Duration
	// DryRun asks the server about every write, and waits for nothing.
	DryRun bool
	// Progress is called after each object, and with what is waited for; it may be nil.
	Progress func(done, total int, waiting string)
}

const (
	// atOnce is how many objects of a controller are released at the same time.
	atOnce = 16
	// mostRaces is how often an object is read again because somebody else has written it.
	mostRaces = 10
)

// Activate releases objects, stage by stage for each controller, those of different controllers at
// the same time. It can be repeated: what is released already is found gone. The report is true
// whatever the error is: [ErrHeld], or that of a context that ended.
func (a Activator) Activate(ctx context.Context, releases []Release) (Report, error) {
	run := &activation{Activator: a, total: len(releases)}
	run.Cluster = restore.Patient(a.Cluster)
	if a.DryRun {
		run.Cluster, run.Wait = restore.DryRun(run.Cluster), 0
	}
	chains := make(map[string][][]Release)
	Sort(releases)
	for _, stage := range Stages(releases) {
		controller := stage[0].Controller
		chains[controller] = append(chains[controller], stage)
	}

	var group errgroup.Group
	for _, chain := range chains {
		group.Go(func() error { run.chain(ctx, chain); return nil })
	}
	_ = group.Wait() // what failed is in the outcomes

	return run.report(ctx)
}

type activation struct {
	Activator

	total    int
	mu       sync.Mutex
	outcomes []Outcome
}

func (a *activation) report(ctx context.Context) (Report, error) {
	r := Report{Outcomes: a.outcomes}
	if r.Outcomes == nil {
		r.Outcomes = []Outcome{}
	}
	left := a.total - len(r.Outcomes)
	for _, o := range r.Outcomes {
		switch o.Result {
		case Released:
			r.Released++
		case Held, Failed:
			left++
		case Gone:
		}
	}
	sortOutcomes(r.Outcomes)

	switch {
	case ctx.Err() != nil && left > 0:
		return r, appbur.WithHint(fmt.Errorf("the release was stopped with %s to go: %w", countedObjects(left), context.Cause(ctx)),
			"run it again, it continues where it stopped")
	case left > 0:
		return r, appbur.WithHint(fmt.Errorf("%w: %s stay paused", ErrHeld, countedObjects(left)),
			"the report says why; release them again once the cause is gone")
	}
	return r, nil
}

// chain releases the stages of one controller.
func (a *activation) chain(ctx context.Context, stages [][]Release) {
	held := ""
	for i, stage := range stages {
		if ctx.Err() != nil {
			return
		}
		if held == "" {
			held = a.stage(ctx, stage, i+1 < len(stages))
			continue
		}
		for _, r := range stage {
			a.note(Outcome{Object: r.Object, Controller: r.Controller, Result: Held, Reason: held})
		}
	}
}

// stage releases some objects and waits for them, if others come after. It returns why those have to
// stay paused, "" if they do not.
func (a *activation) stage(ctx context.Context, releases []Release, others bool) (held string) {
	var mu sync.Mutex
	hold := func(why string) {
		mu.Lock()
		defer mu.Unlock()
		if held == "" || why < held { // one of them, the same one each time
			held = why
		}
	}

	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, r := range releases {
		group.Go(func() error {
			o := a.release(ctx, r)
			if o == nil {
				return nil // it was not tried to the end
			}
			if o.Result == Failed {
				hold(fmt.Sprintf("%s could not be released", r.Object))
			}
			a.note(*o)
			if o.Result == Released && others && r.Await != "" && a.Wait > 0 {
				if why := a.await(ctx, r); why != "" {
					hold(fmt.Sprintf("%s is not ready: %s", r.Object, why))
				}
			}
			return nil
		})
	}
	_ = group.Wait() // see hold
	return held
}

// release releases one object, whoever writes it at the same time. It returns nil if the context ended.
func (a *activation) release(ctx context.Context, r Release) *Outcome {
	o := &Outcome{Object: r.Object, Controller: r.Controller, Result: Released}
	if r.Problem != "" {
		o.Result, o.Reason = Failed, r.Problem
		return o
	}
	for race := 1; ; race++ {
		gone, err := a.tryRelease(ctx, r)
		if apierrors.IsConflict(err) && race < mostRaces {
			if backoff.Sleep(ctx, delay(race, r)) == nil {
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

// tryRelease reads an object and releases what it finds.
func (a *activation) tryRelease(ctx context.Context, r Release) (gone bool, err error) {
	live, err := a.Cluster.Get(ctx, r.Object, r.APIVersion)
	if apierrors.IsNotFound(err) || errors.Is(err, restore.ErrNotServed) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	m, marked, err := markOf(live)
	if !marked || err != nil {
		return !marked, err
	}

	request := restore.Request{By: restore.ByMerge, Object: r.Object, APIVersion: r.APIVersion, Content: patch(r.Object, live, m)}
	answer, err := a.Cluster.Apply(ctx, request)
	if err == nil && !a.DryRun && isOthers(live) {
		giveBack(ctx, a.Cluster, r.Object, live, answer.ResourceVersion)
	}
	return apierrors.IsNotFound(err), ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

var polling = backoff.Backoff{First: 200 * time.Millisecond, Most: 5 * time.Second}

// delay is how long to wait before another look at an object.
func delay(try int, r Release) time.Duration {
	return backoff.Jitter(polling.Delay(try-1), r.Object.String())
}

// await waits until an object is ready, and returns why it is not. The time is counted in its own
// delays: a server that holds all requests back for minutes uses none of it up.
func (a *activation) await(ctx context.Context, r Release) (why string) {
	var waited time.Duration
	for try := 1; ; try++ {
		live, err := a.Cluster.Get(ctx, r.Object, r.APIVersion)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx).Error()
		case apierrors.IsNotFound(err):
			return "" // somebody has deleted it
		case err != nil:
			return err.Error()
		}
		is := readinessOf(live, r.Await)
		if is.ready {
			return ""
		}

		pause := delay(try, r)
		if waited += pause; is.failed || waited > a.Wait {
			return is.why
		}
		a.tell("waiting for " + r.Object.String())
		if err := backoff.Sleep(ctx, pause); err != nil {
			return err.Error()
		}
	}
}

func (a *activation) note(o Outcome) {
	a.mu.Lock()
	a.outcomes = append(a.outcomes, o)
	a.mu.Unlock()
	a.tell("")
}

func (a *activation) tell(waiting string) {
	if a.Progress == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Progress(len(a.outcomes), a.total, waiting)
}
