package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	admission "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Webhooks of the target judge what a restore writes like any other write: they change it on its way,
// or refuse it where what answers for them does not run. Neither is in the restore point, so a person
// is told before.

// Admission says which admission webhooks of the target act on what a plan writes.
type Admission struct {
	// Webhooks are those that may change what is written, and those that would refuse it because their
	// backend does not run.
	Webhooks []LiveWebhook `json:"webhooks"`
	// Created are those of configurations that the target lacks: what answers for them comes with the plan or is
	// there, and does not run yet, so they let pass what nobody answers for until the end of the restore.
	Created []Silenced `json:"created,omitempty"`
	// Silenced are those that a restore has silenced which did not end.
	Silenced []LeftSilent `json:"silenced,omitempty"`
	// Unknown says why the target did not answer, "" if it did.
	Unknown string `json:"unknown,omitempty"`
}

// LiveWebhook is an admission webhook of the target that is called for what a plan writes.
type LiveWebhook struct {
	Name string `json:"name"`
	// Configuration is the object that has it.
	Configuration appbur.ObjectID `json:"configuration"`
	Mutates       bool            `json:"mutates"`
	// FailurePolicy is Fail or Ignore.
	FailurePolicy string `json:"failurePolicy"`
	// Conditional is true where it has match conditions, which are not evaluated: it may be called for fewer.
	Conditional bool `json:"conditional,omitempty"`
	// Service is what answers for it, nil where Address does.
	Service *appbur.ObjectID `json:"service,omitempty"`
	Address string           `json:"address,omitempty"`
	Backend BackendState     `json:"backend"`
	// Objects counts what the plan writes and it is called for, Kinds says of which kinds they are. Of one that
	// refuses they have the Pods that controllers make of restored workloads, one for each.
	Objects int                `json:"objects"`
	Kinds   []appbur.GroupKind `json:"kinds"`
	// Restored is true where the plan has the configuration, too: it comes last in any restore.
	Restored bool `json:"restored,omitempty"`
	// Answers is true where the plan has the Service that answers.
	Answers bool `json:"answers,omitempty"`
	// Silence is true where the restore silences it: it lets pass what nobody answers for.
	Silence bool `json:"silence,omitempty"`
}

// Refuses reports whether what the webhook is called for would be refused, because nobody answers.
func (w LiveWebhook) Refuses() bool {
	return w.FailurePolicy == string(admission.Fail) && (w.Backend == BackendMissing || w.Backend == BackendDown)
}

// MayBeSilenced reports whether a restore can let the webhook pass what it is called for. The plan has its
// configuration, or the Service that answers for it: so the restore brings back what ends the silence. One that
// has nothing to do with what is restored stays as it is.
func (w LiveWebhook) MayBeSilenced() bool { return w.Refuses() && (w.Restored || w.Answers) }

// BackendState says whether something answers for a webhook. The set is closed.
type BackendState string

// The states of a backend.
const (
	// BackendRuns is a Service with an endpoint that is ready.
	BackendRuns BackendState = "runs"
	// BackendMissing is a Service that does not exist.
	BackendMissing BackendState = "missing"
	// BackendDown is a Service without an endpoint that is ready.
	BackendDown BackendState = "no endpoints"
	// BackendUnknown is one that cannot be looked at: an address, or what the account may not read.
	BackendUnknown BackendState = "not known"
)

// ReviewAdmission reads the admission webhooks of the target and finds those that are called for what
// applying the plan would write. Where there are any, it looks at what exists, by lists, because what is as planned
// is not written. It changes nothing.
func ReviewAdmission(ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules) (Admission, error) {
	names, ok := c.(resourceNamer)
	if !ok {
		return Admission{Webhooks: []LiveWebhook{}, Unknown: "the target cannot be asked"}, nil
	}
	r := &admissionReview{
		plan: p, cluster: Patient(c), names: namerOf(names, p), rules: rules,
		restored: make(map[appbur.ObjectID]*Step), states: make(map[appbur.ObjectID]BackendState), live: make(map[appbur.ObjectID]bool),
	}
	for _, step := range p.Steps {
		if step.Action == ActionApply {
			r.restored[step.Object] = step
		}
	}

	webhooks, err := r.webhooks(ctx)
	var created []Silenced
	if err == nil {
		created, err = r.created(ctx)
	}
	if ctx.Err() != nil {
		return Admission{}, ctx.Err()
	}
	if err != nil {
		return Admission{Webhooks: []LiveWebhook{}, Unknown: err.Error()}, nil //nolint:nilerr // told in the result
	}
	return Admission{Webhooks: webhooks, Created: created}, nil
}

type admissionReview struct {
	plan    *Plan
	cluster Cluster
	names   kindNamer
	rules   *manifest.Rules
	// restored are the steps that apply, live are the configurations of the target, and states are the backends
	// that were looked at.
	restored map[appbur.ObjectID]*Step
	live     map[appbur.ObjectID]bool
	states   map[appbur.ObjectID]BackendState
}

// webhook is one of a configuration, of either kind.
type webhook struct {
	LiveWebhook
	match matcher
}

func (r *admissionReview) webhooks(ctx context.Context) ([]LiveWebhook, error) {
	hooks, err := r.configured(ctx)
	if err != nil {
		return nil, err
	}
	hooks = slices.DeleteFunc(hooks, func(w *webhook) bool { return !w.Mutates && !w.Refuses() })
	if hooks = r.concerned(ctx, hooks); len(hooks) == 0 { // nearly always: what is written is not looked for
		return []LiveWebhook{}, nil
	}

	writes, err := r.writes(ctx)
	if err != nil {
		return nil, err
	}
	found := []LiveWebhook{}
	for _, hook := range hooks {
		objects := make(map[appbur.ObjectID]bool)
		kinds := make(map[appbur.GroupKind]bool)
		for _, write := range writes {
			if (!write.byController || hook.Refuses()) && hook.match.matches(write) {
				objects[write.object], kinds[write.object.GroupKind()] = true, true
			}
		}
		if len(objects) == 0 {
			continue
		}
		hook.Objects, hook.Kinds = len(objects), slices.SortedFunc(maps.Keys(kinds), appbur.GroupKind.Compare)
		found = append(found, hook.LiveWebhook)
	}
	slices.SortFunc(found, func(a, b LiveWebhook) int {
		return cmp.Or(a.Configuration.Compare(b.Configuration), cmp.Compare(a.Name, b.Name))
	})
	return found, nil
}

// concerned are the webhooks whose rules have a kind of the plan, whatever becomes of its objects.
func (r *admissionReview) concerned(ctx context.Context, hooks []*webhook) []*webhook {
	var concerned []*webhook
	seen := make(map[liveGroup]bool)
	for _, step := range r.plan.Steps {
		group := groupOfStep(step)
		if verbs, _ := verbsOf(step.Action); len(verbs) == 0 || seen[group] {
			continue
		}
		seen[group] = true
		any := write{object: step.Object, apiVersion: step.APIVersion, resource: r.names.resource(ctx, step)}
		hooks = slices.DeleteFunc(hooks, func(hook *webhook) bool {
			if hook.match.mayMatch(any) || hook.Refuses() && slices.ContainsFunc(madeOf(step.Object), hook.match.mayMatch) {
				concerned = append(concerned, hook)
				return true
			}
			return false
		})
	}
	return concerned
}

var (
	kindMutatingConfiguration   = appbur.GroupKind{Group: admission.GroupName, Kind: "MutatingWebhookConfiguration"}
	kindValidatingConfiguration = appbur.GroupKind{Group: admission.GroupName, Kind: "ValidatingWebhookConfiguration"}
)

// configured reads all webhooks with the state of their backends.
func (r *admissionReview) configured(ctx context.Context) ([]*webhook, error) {
	var hooks []*webhook
	for _, kind := range []appbur.GroupKind{kindMutatingConfiguration, kindValidatingConfiguration} {
		err := eachObject(ctx, r.cluster, typeKey{ConfigurationVersion, kind.Kind}, "", func(live map[string]any) error {
			id := appbur.ObjectID{Group: kind.Group, Kind: kind.Kind, Name: text(live, "metadata", "name")}
			r.live[id] = true
			read, err := webhooksOf(live)
			for _, hook := range read {
				hook.Configuration, hook.Mutates, hook.Restored = id, kind == kindMutatingConfiguration, r.restored[id] != nil
				hook.Answers = hook.Service != nil && r.restored[*hook.Service] != nil
				hooks = append(hooks, hook)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading the webhooks of the target (%s): %w", kind.Kind, err)
		}
	}

	for _, hook := range hooks {
		if hook.Backend = BackendUnknown; hook.Service == nil {
			continue
		}
		var err error
		if hook.Backend, err = r.backend(ctx, *hook.Service); err != nil {
			return nil, err
		}
	}
	return hooks, nil
}

// backend looks once whether something answers for a Service.
func (r *admissionReview) backend(ctx context.Context, service appbur.ObjectID) (BackendState, error) {
	state, known := r.states[service]
	if known {
		return state, nil
	}
	state, err := backendOf(ctx, r.cluster, service)
	if err == nil {
		r.states[service] = state
	}
	return state, err
}

// webhooksOf reads a configuration. Those that change and those that only judge have the same fields,
// of which few are read here.
func webhooksOf(live map[string]any) ([]*webhook, error) {
	var configuration admission.ValidatingWebhookConfiguration
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live, &configuration); err != nil {
		return nil, err
	}

	var hooks []*webhook
	for i := range configuration.Webhooks {
		each := &configuration.Webhooks[i]
		hook := &webhook{LiveWebhook: LiveWebhook{
			Name: each.Name, FailurePolicy: string(admission.Fail), Conditional: len(each.MatchConditions) > 0,
		}}
		if each.FailurePolicy != nil {
			hook.FailurePolicy = string(*each.FailurePolicy)
		}
		switch at := each.ClientConfig; {
		case at.Service != nil:
			hook.Service = &appbur.ObjectID{Kind: kindService.Kind, Namespace: at.Service.Namespace, Name: at.Service.Name}
		case at.URL != nil:
			hook.Address = *at.URL
		}
		var err error
		if hook.match, err = matcherOf(each); err != nil {
			return nil, fmt.Errorf("webhook %s: %w", each.Name, err)
		}
		hooks = append(hooks, hook)
	}
	return hooks, nil
}

// sliceOwner is the label by which the slices of endpoints of a Service are known
// (k8s.io/api/discovery/v1, LabelServiceName).
const sliceOwner = "kubernetes.io/service-name"

// backendOf looks whether something answers for a Service.
func backendOf(ctx context.Context, c Cluster, service appbur.ObjectID) (BackendState, error) {
	_, err := c.Get(ctx, service, "v1")
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case apierrors.IsNotFound(err):
		return BackendMissing, nil
	case err != nil:
		return BackendUnknown, nil //nolint:nilerr // the account may not read it
	}

	state := BackendDown
	err = eachObject(ctx, c, typeKey{"discovery.k8s.io/v1", "EndpointSlice"}, service.Namespace, func(slice map[string]any) error {
		if text(slice, "metadata", "labels", sliceOwner) != service.Name {
			return nil
		}
		for _, endpoint := range list(slice, "endpoints") {
			if field(endpoint, "conditions", "ready") != false {
				state = BackendRuns
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		return BackendUnknown, nil
	}
	return state, err
}

// eachObject passes all objects of a kind, in a namespace or in all of the target, to visit. A kind
// that is not served has none.
func eachObject(ctx context.Context, c Cluster, kind typeKey, namespace string, visit func(live map[string]any) error) error {
	token := ""
	for {
		var failed error
		next, err := c.Page(ctx, kind.apiVersion, kind.kind, namespace, token, func(live map[string]any) {
			if failed == nil {
				failed = appbur.Guard(func() error { return visit(live) })
			}
		})
		switch {
		case errors.Is(err, ErrNotServed):
			return nil
		case err != nil || failed != nil:
			return cmp.Or(failed, err)
		case next == "":
			return nil
		case next == token:
			return errListStands
		}
		token = next
	}
}
