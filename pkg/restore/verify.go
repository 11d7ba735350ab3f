package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Verify reads every object of the plan back and says where the target is not as
// the plan says. Live objects go through the rules that made the manifests, so
// what a cluster gives its objects by itself is no difference; neither are fields that
// the target has in addition, which are listed separately, but for those that users
// fill: keys of configuration, labels and annotations. Objects that were added are found
// in the namespaces and of the kinds of the plan. The error is about the attempt, not
// about the target: the context ended, or the plan has no content. The reporter may be
// nil.
func Verify(ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules, r Reporter) (Findings, error) {
	return Verifier{Cluster: c, Rules: rules, Reporter: r}.once(ctx, p)
}

// once looks at the target once.
func (w Verifier) once(ctx context.Context, p *Plan) (Findings, error) {
	r := w.Reporter
	if r == nil {
		r = silent{}
	}
	v := &verifier{
		reporter: r, ready: w.ready(),
		worker: newWorker(Applier{Cluster: w.Cluster}, p.Policy), rules: w.Rules,
		live: make(map[appbur.ObjectID]*liveFacts), alive: make(map[uidSum]bool, len(p.Steps)), added: make(map[Addition]int),
		findings: Findings{Format: FindingsFormat, Point: p.Point},
	}
	v.worker.silent.looking = true
	statuses := make(map[appbur.ObjectID]Content)
	for _, s := range p.Steps {
		for _, owner := range s.Details().Owners {
			v.live[owner.Object], v.live[s.Object] = nil, nil // wanted
		}
		switch s.Action {
		case ActionStatus:
			statuses[s.Object] = s.Content
		case ActionApply, ActionKeep:
			v.total++
		case ActionPrepare, ActionWait, ActionRelink, ActionHandOver, ActionBarrier, ActionReady, ActionSkip, ActionBlocked, ActionPrune:
		}
	}

	// What was added is looked for beside the comparison: both wait for the server.
	var search errgroup.Group
	searching, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		_ = search.Wait()
	}()
	search.Go(func() error { return v.addedObjects(searching, p) })

	group, each := errgroup.WithContext(ctx)
	group.SetLimit(defaultParallel)
	together := make(map[liveGroup]map[string]*Step) // by name
	for _, step := range p.Steps {
		switch step.Action {
		case ActionBlocked, ActionSkip:
			v.findings.LeftOut = append(v.findings.LeftOut, Finding{Kind: FindingBlocked, Object: step.Object, What: step.Why})
		case ActionApply:
			if step.Content.IsZero() {
				return Findings{}, fmt.Errorf("%w: step %d", ErrNoContent, step.ID)
			}
			join(together, step)
		case ActionKeep:
			join(together, step)
		case ActionPrepare, ActionStatus, ActionWait, ActionRelink, ActionHandOver, ActionBarrier, ActionReady, ActionPrune:
		}
	}
	for g, steps := range together {
		if len(steps) < leastInGroup {
			continue
		}
		group.Go(func() error { return v.listed(each, g, steps, statuses) })
	}
	if err := group.Wait(); err != nil {
		return Findings{}, fmt.Errorf("verifying: %w", err)
	}

	// What is left was in no list.
	group, each = errgroup.WithContext(ctx)
	group.SetLimit(defaultParallel)
	for _, steps := range together {
		for _, step := range steps {
			group.Go(func() error {
				return v.guard(step, func() error { return v.object(each, step, statuses[step.Object]) })
			})
		}
	}
	if err := group.Wait(); err != nil {
		return Findings{}, fmt.Errorf("verifying: %w", err)
	}

	if err := v.owners(ctx, p); err != nil {
		return Findings{}, fmt.Errorf("verifying owners: %w", err)
	}
	if err := search.Wait(); err != nil {
		return Findings{}, fmt.Errorf("looking for what was added: %w", err)
	}
	for key, n := range v.added {
		key.Objects = n
		v.findings.Additions = append(v.findings.Additions, key)
	}
	v.findings.sort()
	return v.findings, nil
}

// join adds a step to its group.
func join(groups map[liveGroup]map[string]*Step, step *Step) {
	g := groupOfStep(step)
	if groups[g] == nil {
		groups[g] = make(map[string]*Step)
	}
	groups[g][step.Object.Name] = step
}

// listed compares those objects of a group that a list shows, and takes them out of the group;
// if it shows all that there are, the others are missing.
func (v *verifier) listed(ctx context.Context, g liveGroup, steps map[string]*Step, statuses map[appbur.ObjectID]Content) error {
	var failed error
	complete, _ := v.worker.eachLive(ctx, g, len(steps), func(live map[string]any) {
		name := text(live, "metadata", "name")
		step := steps[name]
		if step == nil || failed != nil {
			return
		}
		delete(steps, name)
		failed = v.guard(step, func() error { return v.compare(ctx, step, statuses[step.Object], live) })
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if complete && failed == nil {
		for name, step := range steps {
			v.missing(step)
			delete(steps, name)
		}
	}
	return failed // what a list did not show is read by itself
}

// guard makes a panic in the check of one object a finding about that object.
func (v *verifier) guard(step *Step, check func() error) error {
	err := appbur.Guard(check)
	var panicked *appbur.PanicError
	if errors.As(err, &panicked) {
		v.find(Finding{Kind: FindingUnreadable, Object: step.Object, What: step.redaction.error(err).Error()})
		return nil
	}
	return err
}

type verifier struct {
	// ready holds for objects that have to be ready.
	ready    func(appbur.ObjectID) bool
	worker   *worker
	rules    *manifest.Rules
	reporter Reporter
	total    int // of the objects that are compared

	mu sync.Mutex
	// live has the objects that own others, or are owned; alive are the uids of all that were read.
	live     map[appbur.ObjectID]*liveFacts
	alive    map[uidSum]bool
	added    map[Addition]int // Objects is zero in the keys
	findings Findings
}

// uidSum stands for a uid in less memory than its text takes.
type uidSum [16]byte

func sumOf(uid string) uidSum {
	digest := appbur.DigestOf([]byte(uid))
	return uidSum(digest[:len(uidSum{})])
}

// liveFacts is what the check of owners needs of an object.
type liveFacts struct {
	uid    string
	owners []any
	// theirs are the uids of owners whose references another manager holds.
	theirs map[string]bool
}

func factsOf(live map[string]any) *liveFacts {
	facts := &liveFacts{uid: text(live, "metadata", "uid"), owners: list(live, "metadata", "ownerReferences")}
	for _, reference := range facts.owners {
		if uid := text(reference, "uid"); heldByOthers(live, uid) {
			if facts.theirs == nil {
				facts.theirs = make(map[string]bool)
			}
			facts.theirs[uid] = true
		}
	}
	return facts
}

func (v *verifier) find(f Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.findings.Findings = append(v.findings.Findings, f)
}

// getter reads other forms of the object of a step.
func (v *verifier) getter(step *Step) getter {
	return func(ctx context.Context, id appbur.ObjectID, apiVersion string) (map[string]any, error) {
		return v.read(ctx, &Step{ID: step.ID, Object: id, redaction: step.redaction}, id, apiVersion)
	}
}

// read gets one live object, as often as an apply.
func (v *verifier) read(ctx context.Context, step *Step, id appbur.ObjectID, apiVersion string) (map[string]any, error) {
	var live map[string]any
	err := v.worker.persist(ctx, &stepResult{step: step}, func() error {
		var err error
		live, err = v.worker.cluster.Get(ctx, id, apiVersion)
		return err
	})
	return live, err
}

// object compares one object. Errors of the server are findings; only the end of
// the context is an error.
func (v *verifier) object(ctx context.Context, step *Step, status Content) error {
	live, err := v.read(ctx, &Step{ID: step.ID, Object: step.Object, redaction: step.redaction}, step.Object, step.APIVersion)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case apierrors.IsNotFound(err) || errors.Is(err, ErrNotServed):
		v.missing(step)
		return nil
	case err != nil:
		v.checked(step.Object, nil)
		v.find(Finding{Kind: FindingUnreadable, Object: step.Object, What: err.Error()})
		return nil
	}

	return v.compare(ctx, step, status, live)
}

func (v *verifier) missing(step *Step) {
	v.checked(step.Object, nil)
	v.find(Finding{Kind: FindingMissing, Object: step.Object, What: "is not in the target"})
}

// compare compares one object that is there.
func (v *verifier) compare(ctx context.Context, step *Step, status Content, live map[string]any) error {
	v.checked(step.Object, factsOf(live))
	v.readiness(step, live)
	if text(live, "metadata", "deletionTimestamp") != "" {
		v.find(Finding{
			Kind: FindingTerminating, Object: step.Object,
			What: "is being deleted since " + text(live, "metadata", "deletionTimestamp"),
		})
	}
	if step.Details().Need != nil {
		return nil // it may be another one than that of the point, and is not brought to it
	}
	content := step.Content.Object()
	want := content["status"] // of a kind without a status subresource
	if !status.IsZero() {
		want = status.Object()["status"]
	}
	v.status(step, want, live)
	return v.content(ctx, step, content, live)
}

func (v *verifier) checked(id appbur.ObjectID, facts *liveFacts) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.findings.Checked++
	if facts != nil {
		v.alive[sumOf(facts.uid)] = true
		if _, wanted := v.live[id]; wanted || len(facts.owners) > 0 {
			v.live[id] = facts
		}
	}
	v.reporter.Progress(Event{Kind: EventFinished, Done: v.findings.Checked, Total: v.total, Action: ActionApply, Object: id})
}

// status checks a status, wherever the kind keeps it. What its controller made of a
// status meanwhile is no fault; that there is none, or one of another type, is.
func (v *verifier) status(step *Step, want any, live map[string]any) {
	if want == nil {
		return
	}
	fields, isMap := want.(map[string]any)
	is, wasMap := live["status"].(map[string]any)
	switch {
	case live["status"] == nil || isMap && len(fields) > 0 && wasMap && len(is) == 0:
		v.find(Finding{Kind: FindingStatus, Object: step.Object, Path: "status", What: "was not restored and is empty"})
	case len(differences(want, live["status"])) == 0:
	case isMap && wasMap:
		v.mu.Lock()
		v.findings.StatusMoved++
		v.mu.Unlock()
	default:
		what := fmt.Sprintf("should be %s, is %s", short(want), short(live["status"]))
		v.find(Finding{Kind: FindingStatus, Object: step.Object, Path: "status", What: step.redaction.text(what)})
	}
}

// content compares what is live with the plan, as a restore does ([unlikePlan]).
func (v *verifier) content(ctx context.Context, step *Step, content, live map[string]any) error {
	want, err := normalOf(v.rules, content)
	if err != nil {
		v.find(Finding{Kind: FindingUnreadable, Object: step.Object, What: "in the plan: " + step.redaction.error(err).Error()})
		return nil
	}
	got, err := normalOf(v.rules, live)
	if err != nil {
		v.find(Finding{Kind: FindingUnreadable, Object: step.Object, What: step.redaction.error(err).Error()})
		return nil
	}
	// What was secret, and what is by the rules of now.
	hidden := step.redaction.with(want.secrets).with(got.secrets)
	found := unlikePlan(v.rules, step, withLiveStatus(content, live), live)

	// What a restore would leave as it is, is right.
	if found, _, err = unlikeSaved(ctx, step, found, live, v.getter(step)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v.find(Finding{Kind: FindingUnreadable, Object: step.Object, What: "as it was saved: " + step.redaction.error(err).Error()})
		return nil
	}

	for _, d := range found {
		what := hidden.text(d.what)
		if hidden.hides(d.path) || hidden != nil && step.Details().From != "" { // conversion moves values
			what = "is not as saved"
		}
		managers := managersAt(live, got.content, d.path)
		v.find(Finding{
			Kind: FindingDifferent, Object: step.Object, Path: formatPath(d.path), What: what, Managers: managers,
			Conflict: len(managers) > 0 && !v.worker.policy.ForceConflicts && identityOf(live).Applied == "",
		})
	}

	filled, class := filledIn(step.Object, content, live)
	if filled != nil {
		what := fmt.Sprintf("was left empty in the source, is %q: the default of this cluster was written into it", class)
		v.find(Finding{Kind: FindingDifferent, Object: step.Object, Path: formatPath(filled), What: what})
	}

	if got.saved {
		additions(nil, grown(step, want.content, got.content), got.content, func(path []string) {
			if !slices.Equal(path, filled) {
				v.addedField(step, live, got.content, path)
			}
		})
	}

	return nil
}
