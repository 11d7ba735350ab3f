package restore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/manifest"
)

// worker runs single steps; all its methods may be called from many goroutines.
type worker struct {
	cluster Cluster
	policy  Policy
	timeout time.Duration
	limiter *limiter
	now     func() time.Time
	rules   *manifest.Rules
	// creates says that what is absent is created as it is, and not applied.
	creates bool
	// groups are what is listed of a plan; nil reads each object by itself.
	groups map[liveGroup]*foreseen
	// silent are webhooks that did not answer.
	silent silentWebhooks
	// notify is called for requests that will be repeated; it may be nil.
	notify func(ctx context.Context, e Event)

	mu       sync.Mutex
	existing map[typeKey]*inventory
}

type typeKey struct{ apiVersion, kind string }

// inventory is what existed of a type when the restore first listed it.
type inventory struct {
	mu    sync.Mutex
	known map[appbur.ObjectID]Identity
}

func newWorker(a Applier, policy Policy) *worker {
	w := &worker{
		cluster: a.Cluster, policy: policy, timeout: a.Timeout, rules: a.Rules,
		existing: make(map[typeKey]*inventory),
	}
	if w.timeout == 0 {
		w.timeout = defaultTimeout
	}
	if w.now = a.Now; w.now == nil {
		w.now = func() time.Time { return time.Time{} }
	}
	if w.rules == nil {
		w.rules = manifest.Default()
	}
	parallel := a.Parallel
	if parallel <= 0 {
		parallel = defaultParallel
	}
	w.limiter = newLimiter(parallel)
	return w
}

// do runs one step to its end.
func (w *worker) do(ctx context.Context, step *Step, before learned) *stepResult {
	a := &stepResult{step: step}
	a.err = step.redaction.error(appbur.Guard(func() error {
		switch step.Action {
		case ActionPrepare, ActionApply, ActionRelink:
			return w.apply(ctx, a, before)
		case ActionStatus:
			return w.status(ctx, a, before)
		case ActionWait:
			return w.await(ctx, a)
		case ActionHandOver:
			return w.handOver(ctx, a, before)
		case ActionPrune:
			return w.prune(ctx, a)
		case ActionReady:
			return w.awaitPhase(ctx, a, before.end)
		case ActionBarrier, ActionKeep, ActionSkip, ActionBlocked:
		}
		return nil
	}))

	if a.err != nil {
		a.result = Failed
		a.interrupted = ctx.Err() != nil
	}
	return a
}

func (w *worker) apply(ctx context.Context, a *stepResult, before learned) error {
	live, known, err := w.before(ctx, a, before)
	if err != nil {
		return err
	}
	if known && live.Terminating {
		return ErrTerminating
	}
	if known && w.isLeftAlone(a.step, before) {
		a.identity, a.result = live, Unchanged
		return nil
	}

	if known && before.self == nil {
		if identity, ok := w.isSettled(ctx, a.step); ok {
			a.identity, a.result = identity, Unchanged
			return nil
		}
	}
	content, err := w.withOwners(ctx, a, before)
	if err != nil {
		return err
	}
	if !known {
		if err := w.awaitAccount(ctx, a); err != nil {
			return err
		}
		taken, err := w.create(ctx, a, content)
		if err != nil || !taken {
			return err
		}
	}
	return w.change(ctx, a, live, content, before)
}

// isLeftAlone reports whether the step has nothing to do with an object that exists.
func (w *worker) isLeftAlone(step *Step, before learned) bool {
	return step.Action == ActionPrepare || step.Details().Need != nil && !before.created
}

// change brings an object that exists to the content.
func (w *worker) change(ctx context.Context, a *stepResult, live Identity, content map[string]any, before learned) error {
	found, err := w.live(ctx, a)
	if err != nil {
		return err
	}
	if text(found, "metadata", "deletionTimestamp") != "" {
		return ErrTerminating
	}
	if found != nil && live.UID == "" { // made since the target was listed
		if live = identityOf(found); w.isLeftAlone(a.step, before) {
			a.identity, a.result = live, Unchanged
			return nil
		}
	}
	content = withLiveStatus(withLiveOwners(content, found), found)
	if content, err = withDefaults(a.step, content, found); err != nil {
		return err
	}
	settled, err := w.settled(ctx, a, content, found)
	if err != nil {
		return err
	}
	if settled {
		a.identity, a.result = identityOf(found), Unchanged
		return nil
	}

	leftBehind := createdMore(w.rules, a.step, content, found) || createdElements(w.rules, a.step, content, found)
	claimed, err := w.claim(ctx, a, found)
	if err != nil {
		return err
	}
	request := Request{
		Object: a.step.Object, APIVersion: a.step.APIVersion, Content: content,
		Force: w.policy.ForceConflicts || live.Applied != "", Full: true,
	}
	answer, err := w.write(ctx, a, request)
	if isBootstrapConflict(err) || isPauseConflict(a.step, err) {
		request.Force = true
		answer, err = w.write(ctx, a, request)
	}
	if err != nil && w.policy.SkipConflicts && (isFieldConflict(err) || errors.Is(err, ErrDiffers)) {
		a.identity, a.result, a.note = live, Skipped, "left as it is: "+err.Error()
		return nil
	}
	if err != nil {
		err = w.unchangeable(ctx, a, request, err)
	}
	if err != nil && a.step.Details().Replaces != nil && found != nil && isUnchangeable(err) {
		return w.replace(ctx, a, found, request)
	}
	if err != nil {
		return err
	}

	if claimed { // who manages what does not count
		found = with(found, list(answer.Object, "metadata", "managedFields"), "metadata", "managedFields")
	}
	a.identity, a.unchecked = answer.Identity, answer.Unchecked
	switch {
	case answer.Terminating:
		return ErrTerminating
	case answer.Created:
		a.result = Created
	case leftBehind: // a dry run does not see it go away
		a.result = Configured
	case wroteNothing(live, found, answer, false):
		a.result = Unchanged
	default:
		a.result = Configured
	}
	return nil
}

// before returns what is known of the object before this step.
func (w *worker) before(ctx context.Context, a *stepResult, before learned) (Identity, bool, error) {
	if before.self != nil {
		return *before.self, true, nil
	}
	known, err := w.inventory(ctx, a, a.step.APIVersion, a.step.Object.Kind)
	if err != nil {
		return Identity{}, false, err
	}
	identity, ok := known[a.step.Object]
	return identity, ok, nil
}

// withOwners returns the content of the step with owner references that point at
// the uids that the owners have in the target. An owner that is not there is left
// out, because the garbage collector deletes objects whose owners do not exist: a
// later step adds it, or it failed, and a later run does.
func (w *worker) withOwners(ctx context.Context, a *stepResult, before learned) (map[string]any, error) {
	references := make([]any, 0, len(a.step.Details().Owners))
	for _, owner := range a.step.Details().Owners {
		identity, ok := before.owners[owner.Object]
		if !ok {
			known, err := w.inventory(ctx, a, owner.APIVersion, owner.Object.Kind)
			if err != nil && owner.Late {
				return nil, err
			}
			if identity = known[owner.Object]; identity.UID == "" || identity.Terminating {
				if !owner.Late {
					a.note = fmt.Sprintf("its owner %s failed: restored without this owner, run the restore again to add it", owner.Object)
				}
				continue
			}
		}
		if identity.UID == "" {
			return nil, fmt.Errorf("the uid of its owner %s is not known", owner.Object)
		}
		reference := map[string]any{
			"apiVersion": owner.APIVersion, "kind": owner.Object.Kind, "name": owner.Object.Name, "uid": identity.UID,
		}
		if owner.Controller != nil {
			reference["controller"] = *owner.Controller
		}
		if owner.BlockOwnerDeletion != nil {
			reference["blockOwnerDeletion"] = *owner.BlockOwnerDeletion
		}
		references = append(references, reference)
	}

	if len(references) == 0 {
		return a.step.Content.Object(), nil
	}
	return with(a.step.Content.Object(), references, "metadata", "ownerReferences"), nil
}

// withLiveStatus leaves the status of a custom resource without a status subresource as it
// is once there is one: its controller knows better, as it does of any other status.
func withLiveStatus(content, live map[string]any) map[string]any {
	if content["status"] == nil || live["status"] == nil {
		return content
	}
	return with(content, live["status"], "status")
}

// status fills a status. Once a controller has written one, it knows better: a
// status is forced only into an object that this run created.
func (w *worker) status(ctx context.Context, a *stepResult, before learned) error {
	var found map[string]any
	if !before.created {
		if f := w.foresee(ctx, a.step); f != nil && f.objects[a.step.Object.Name].isFilled() {
			a.result = Unchanged
			return nil
		}
		var err error
		if found, err = w.live(ctx, a); err != nil {
			return fmt.Errorf("status: %w", err)
		}
		if isFilled(a.step, found) {
			a.result = Unchanged
			return nil
		}
	}

	request := Request{
		Object: a.step.Object, APIVersion: a.step.APIVersion, Content: a.step.Content.Object(),
		Status: true, Force: before.created, Full: !before.created,
	}
	answer, err := w.write(ctx, a, request)
	switch {
	case err == nil:
	case isFieldConflict(err):
		a.result, a.note = Unchanged, "its status was left as its controller wrote it"
		return nil
	case apierrors.IsNotFound(err):
		a.result, a.note = Unchanged, "its status was not restored: the kind has no status in the target"
		return nil
	default:
		return fmt.Errorf("status: %w", err)
	}
	if before.created {
		if answer, err = w.withoutDefaultStatus(ctx, a, request, answer); err != nil {
			return fmt.Errorf("status: %w", err)
		}
	}
	a.identity, a.unchecked = answer.Identity, answer.Unchecked
	a.result = Configured
	if before.self != nil && wroteNothing(*before.self, found, answer, true) {
		a.result = Unchanged
	}
	return nil
}

// isFilled reports whether a live object has the status of the step, or that of an object
// which is left alone has any.
func isFilled(step *Step, found map[string]any) bool {
	return step.Details().Need != nil && len(dict(found["status"])) > 0 ||
		found != nil && len(differences(step.Content.Object()["status"], found["status"])) == 0
}

// await polls until a definition is established and its versions are served. Its
// timeout is counted in its own delays: a server that has all requests held back
// for minutes uses none of it up.
func (w *worker) await(ctx context.Context, a *stepResult) error {
	definition := readDefinition(a.step.Object, a.step.Content.Object())
	var waited time.Duration

	for tries := 1; ; tries++ {
		if err := w.limiter.wait(ctx); err != nil {
			return err
		}
		missing, err := w.established(ctx, a.step, definition)
		switch {
		case err == nil && missing == "":
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && transient(err) == nil:
			return err
		case err != nil:
			missing = err.Error()
		}
		pause := delay(min(tries, 4), a.step.ID)
		if waited += pause; waited > w.timeout {
			return fmt.Errorf("not established after %s: %s", w.timeout, missing)
		}
		if err := backoff.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

var errNotAccepted = errors.New("the names of the definition are taken")

// established returns what is missing for the definition to be usable, or "".
func (w *worker) established(ctx context.Context, step *Step, d definition) (missing string, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout) // a request that hangs
	defer cancel()
	live, err := w.cluster.Get(ctx, step.Object, step.APIVersion)
	if err != nil {
		return "", err
	}

	conditions := make(map[string]any)
	for _, c := range list(live, "status", "conditions") {
		conditions[text(c, "type")] = c
	}
	if text(conditions["NamesAccepted"], "status") == "False" {
		return "", appbur.WithHint(fmt.Errorf("%w: %s", errNotAccepted, text(conditions["NamesAccepted"], "message")),
			"another definition of the target uses the same names: remove it first")
	}
	if text(conditions["Established"], "status") != "True" {
		return "the condition Established is not true", nil
	}

	for _, version := range d.served {
		apiVersion := d.kind.Group + "/" + version
		served, err := w.cluster.Serves(ctx, apiVersion, d.kind.Kind)
		if err != nil {
			return "", err
		}
		if !served {
			return fmt.Sprintf("discovery does not show %s yet", apiVersion), nil
		}
	}

	return "", nil
}
