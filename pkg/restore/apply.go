package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// ErrIncomplete is the error of a restore that ran to its end and left objects
// behind that failed. The report says which and why.
var ErrIncomplete = errors.New("not everything was restored")

// ErrNoContent is the error of applying a plan that was read from a file.
var ErrNoContent = errors.New("the plan has no content")

const (
	// defaultParallel is where one API server and etcd on few cores are busy.
	defaultParallel = 32
	// defaultTimeout is how long a definition may take to be established.
	defaultTimeout = 2 * time.Minute
)

// Applier applies plans. The zero value of every field but Cluster is usable.
type Applier struct {
	Cluster  Cluster
	Reporter Reporter
	// Parallel is the highest number of requests at the same time; the server can
	// make it fewer. Zero means 32.
	Parallel int
	// Timeout is how long to wait for what the target does by itself, such as
	// establishing a definition. Zero means two minutes.
	Timeout time.Duration
	// Rules are those that made the manifests: what they leave out of a live object is no
	// difference to the plan. Nil means the default rules.
	Rules *manifest.Rules
	// Now tells the time, by which the report says how long phases took. Without it, it does not say it.
	Now func() time.Time
	// Hint is the next step after an error in the caller's own terms, such as its flags
	// ([FailureOf]); where it has none the report has a general one. It may be nil.
	Hint func(error) string
}

// Apply applies the plan with default settings; see [Applier.Apply].
func Apply(ctx context.Context, p *Plan, c Cluster, r Reporter) (Report, error) {
	return Applier{Cluster: c, Reporter: r}.Apply(ctx, p)
}

// Apply runs the steps of the plan, independent ones at the same time. It can be
// repeated: what is there already stays, what is missing is added, and owners are
// found again by what is live. The report is true whatever the error is:
//
//   - [ErrBlocked], [ErrSealed] and [ErrNoContent]: nothing was written;
//   - [ErrIncomplete]: all steps were tried, some failed; with [ErrNotReady] those of later phases were not tried;
//   - the error of ctx: it was cancelled; running the plan again continues.
func (a Applier) Apply(ctx context.Context, p *Plan) (Report, error) {
	report := Report{Format: ReportFormat, Point: p.Point}
	if err := p.applicable(); err != nil {
		return report, err
	}
	r := newRun(a, p)
	r.loop(ctx)
	r.worker = nil // with what it has read of the target
	report.Outcomes, report.Remaining = r.outcomes()
	report.Phases = r.phaseOutcomes()
	for _, o := range report.Outcomes {
		report.Counts.add(o)
	}

	switch {
	case r.notReady != nil:
		return report, appbur.WithHint(fmt.Errorf("%w: %w", ErrIncomplete, r.notReady), appbur.HintOf(r.notReady))
	case report.Remaining > 0 || r.interrupted:
		return report, appbur.WithHint(fmt.Errorf("the restore was stopped with %d objects to go: %w", report.Remaining, context.Cause(ctx)),
			"run it again, it continues where it stopped")
	case report.Counts.Failed > 0:
		return report, appbur.WithHint(fmt.Errorf("%w: %d of %d objects failed", ErrIncomplete, report.Counts.Failed, len(report.Outcomes)),
			"the report says why; run the restore again once the cause is gone")
	}

	return report, nil
}

// applicable finds the reasons not to begin.
func (p *Plan) applicable() error {
	if blocked := p.Blocked(); len(blocked) > 0 && !p.Policy.AllowBlocked {
		return appbur.WithHint(fmt.Errorf("%w: %d of them, the first is %s: %s", ErrBlocked, len(blocked), blocked[0].Object, blocked[0].Why),
			"look at the plan, then allow a restore without them")
	}

	for _, s := range p.Steps {
		switch s.Action {
		case ActionPrepare, ActionApply, ActionStatus, ActionRelink, ActionWait:
		case ActionHandOver, ActionBarrier, ActionReady, ActionKeep, ActionSkip, ActionBlocked, ActionPrune:
			continue
		}
		if s.Content.IsZero() {
			return appbur.WithHint(fmt.Errorf("%w: step %d", ErrNoContent, s.ID),
				"make the plan again from the restore point and compare its digest")
		}
		if s.Object.GroupKind() == kindSecret && s.Content.Object()[appbur.SealedKey] != nil {
			return appbur.WithHint(fmt.Errorf("%w: %s", ErrSealed, s.Object), "give the key that the restore point was sealed for")
		}
	}

	return nil
}

// run is one execution of a plan. Its fields belong to the goroutine of loop,
// but for those that say otherwise.
type run struct {
	plan     *Plan
	worker   *worker
	reporter Reporter
	events   chan Event // from workers

	waiting    []int   // by step id: how many steps it still comes after
	dependents [][]int // by step id
	ready      *queue[int]
	results    finished
	asked      []int // by step id: how many steps will ask for its identity
	cause      []int // by step id: the failed step that it needs, or 0
	finished   int   // without barriers
	failed     int   // of the steps that are finished
	total      int
	// began is when the run did, notReady why it ended before its last phase.
	began    time.Time
	notReady error
	// interrupted is true when the wait for a phase was.
	interrupted bool

	hint func(error) string
}

func newRun(a Applier, p *Plan) *run {
	n := len(p.Steps) + 1
	r := &run{
		plan: p, reporter: a.Reporter, worker: newWorker(a, p.Policy),
		waiting: make([]int, n), dependents: make([][]int, n), results: make(finished, n), asked: make([]int, n), cause: make([]int, n),
		ready: newQueue(cmp.Compare[int]), events: make(chan Event),
	}
	r.worker.creates, r.worker.groups = validatesFields(p.Target), foreseeAll(p)
	r.worker.notify = func(ctx context.Context, e Event) {
		select {
		case r.events <- e:
		case <-ctx.Done():
		}
	}

	r.began = r.worker.now()
	if r.reporter == nil {
		r.reporter = silent{}
	}
	r.hint = hintFor
	if a.Hint != nil {
		r.hint = func(err error) string { return cmp.Or(a.Hint(err), hintFor(err)) }
	}

	for _, s := range p.Steps {
		if s.Action.HasObject() {
			r.total++
		}
		r.waiting[s.ID] = len(s.After)
		for _, before := range s.After {
			r.dependents[before] = append(r.dependents[before], s.ID)
			if s.Action.asksForIdentities() {
				r.asked[before]++
			}
		}
		if len(s.After) == 0 {
			r.ready.push(s.ID)
		}
	}

	return r
}

// loop runs until every step is finished, or ctx has ended and all that was begun
// has come back.
func (r *run) loop(ctx context.Context) {
	done := make(chan *stepResult)
	running := 0

	for {
		for r.ready.len() > 0 && running < r.worker.limiter.current() && ctx.Err() == nil {
			id := r.ready.pop()
			step := r.plan.Steps[id-1]
			if result, ok := r.withoutRequest(step); ok {
				r.finish(result)
				continue
			}
			running++
			before := r.identities(step)
			go func() { done <- r.worker.do(ctx, step, before) }()
		}
		if running == 0 {
			return
		}
		select {
		case result := <-done:
			running--
			r.finish(result)
		case event := <-r.events:
			event.Done, event.Total = r.finished, r.total
			r.reporter.Progress(event)
		}
	}
}

// withoutRequest finishes steps that send no request.
func (r *run) withoutRequest(step *Step) (*stepResult, bool) {
	switch {
	case r.cause[step.ID] != 0:
		cause := r.plan.Steps[r.cause[step.ID]-1].Object
		err := fmt.Errorf("not tried, because %s failed", cause)
		return &stepResult{step: step, result: Failed, err: err, cause: &cause}, true
	case step.Action == ActionPrune && r.failed > 0:
		return &stepResult{step: step, result: Skipped, note: "not deleted, because something failed before", hint: "run the restore again"}, true
	case step.Action == ActionBarrier:
		return &stepResult{step: step}, true
	case step.Action == ActionKeep:
		return &stepResult{step: step, result: Unchanged}, true
	case step.Action == ActionBlocked || step.Action == ActionSkip:
		return &stepResult{step: step, result: Skipped, note: step.Why, hint: step.Details().Hint}, true
	}
	return nil, false
}

// identities collects what earlier steps learned: of the object itself, and of those
// of its owners that did not fail.
func (r *run) identities(step *Step) learned {
	e := learned{owners: make(map[appbur.ObjectID]Identity, len(step.Details().Owners))}
	if step.Action == ActionReady {
		e.end = r.endOf(step)
		return e
	}
	for _, id := range step.After {
		result := r.results.of(r.plan.Steps[id-1])
		if result == nil || result.result == Failed || result.step.Action != ActionApply && result.step.Action != ActionPrepare {
			continue
		}
		if result.step.Object == step.Object {
			e.self, e.created, e.managed = &result.identity, e.created || result.result == Created || result.replaced, result.managed
			result.managed = nil // no other step has a use for it
		}
		e.owners[result.step.Object] = result.identity
	}
	return e
}

func (r *run) finish(result *stepResult) {
	id := result.step.ID
	r.results.put(result, r.asked[id] > 0)
	r.answered(result.step)
	if result.step.Action == ActionReady && !r.phaseEnded(result) {
		return // what follows is not tried
	}
	if result.result == Failed && result.step.Action != ActionPrune && result.step.Action != ActionBarrier {
		r.failed++
	}

	for _, next := range r.dependents[id] {
		if result.result == Failed && r.cause[next] == 0 && slices.Contains(r.plan.Steps[next-1].Needs, id) {
			// A failure is traced back to where it began.
			r.cause[next] = cmp.Or(r.cause[id], id)
		}
		if r.waiting[next]--; r.waiting[next] == 0 {
			r.ready.push(next)
		}
	}

	if !result.step.Action.HasObject() || result.interrupted {
		return
	}
	r.finished++
	r.reporter.Progress(Event{
		Kind: EventFinished, Done: r.finished, Total: r.total, Step: id, Action: result.step.Action,
		Object: result.step.Object, Result: result.result, Reason: result.reason(),
	})
}

// answered notes that a step asks for nothing any more.
func (r *run) answered(step *Step) {
	if !step.Action.asksForIdentities() {
		return
	}
	for _, before := range step.After {
		if r.asked[before]--; r.asked[before] == 0 {
			r.results.reduce(before)
		}
	}
}

// mainActions are those of which an object has one.
var mainActions = []Action{ActionApply, ActionKeep, ActionSkip, ActionBlocked, ActionPrune}

// outcomes joins the results of the steps into one outcome per object.
func (r *run) outcomes() (outcomes []Outcome, remaining int) {
	objects := 0
	for _, step := range r.plan.Steps {
		if slices.Contains(mainActions, step.Action) {
			objects++
		}
	}
	outcomes = make([]Outcome, 0, objects)
	at := make(map[appbur.ObjectID]int, objects) // in outcomes
	unfinished := make(map[appbur.ObjectID]bool)

	for _, step := range r.plan.Steps {
		if !step.Action.HasObject() {
			continue
		}
		result := r.results.of(step)
		if result == nil || result.interrupted {
			unfinished[step.Object] = true
			continue
		}
		place, ok := at[step.Object]
		if !ok {
			place = len(outcomes)
			at[step.Object] = place
			outcomes = append(outcomes, Outcome{Object: step.Object, APIVersion: step.APIVersion, Converted: len(step.Details().Changes) > 0})
		}
		o := &outcomes[place]
		o.Converted = o.Converted && !result.asSaved
		o.join(result, r.hint)
	}

	outcomes = slices.DeleteFunc(outcomes, func(o Outcome) bool { return unfinished[o.Object] })
	slices.SortFunc(outcomes, func(a, b Outcome) int { return a.Object.Compare(b.Object) })
	return outcomes, len(unfinished)
}
