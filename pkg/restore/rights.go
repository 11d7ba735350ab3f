package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
)

// The API server decides on each request alone. An account that may only look would get one
// refusal for each object, after others were written, so it is asked before what the account
// may do.

// ErrRights is the error of a restore that would be refused for want of rights. Nothing was
// written.
var ErrRights = errors.New("the account lacks rights that the plan needs")

// Right is a verb on a resource, in a namespace or, where that is empty, in the cluster.
type Right struct {
	Verb      string `json:"verb"`
	Group     string `json:"group"`
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"`
	// Name is the only object that it is about, "" for all.
	Name string `json:"name,omitempty"`
	// Objects counts the objects of the plan that need it.
	Objects int `json:"objects"`
}

// String says it as people do.
func (r Right) String() string {
	resource := r.Resource
	if r.Group != "" {
		resource += "." + r.Group
	}
	if r.Name != "" {
		resource += " " + r.Name
	}
	if r.Namespace != "" {
		return r.Verb + " " + resource + " in " + r.Namespace
	}
	return r.Verb + " " + resource
}

func (r Right) compare(o Right) int {
	return cmp.Or(
		cmp.Compare(r.Namespace, o.Namespace), cmp.Compare(r.Group, o.Group), cmp.Compare(r.Resource, o.Resource), cmp.Compare(r.Verb, o.Verb),
		cmp.Compare(r.Name, o.Name),
	)
}

// Rights say what an account may not do of what a plan needs.
type Rights struct {
	// Account is who the target says that it is, "" if it does not say or nothing is missing.
	Account string `json:"account,omitempty"`
	// Missing are the rights without which some write would be refused.
	Missing []Right `json:"missing"`
	// Grants are the rights that objects of the plan would give to somebody and that the account
	// does not have itself. The server refuses such objects.
	Grants []Grant `json:"grants,omitempty"`
	// Unknown says why the target did not answer, "" if it did.
	Unknown string `json:"unknown,omitempty"`
	// Manifest are the missing rights as RBAC objects that an administrator can apply.
	Manifest string `json:"manifest,omitempty"`
}

// Err returns [ErrRights] with what is missing, nil if nothing is known to be.
func (r Rights) Err() error {
	if len(r.Missing) == 0 {
		return nil
	}
	names := make([]string, 0, len(r.Missing))
	for _, missing := range r.Missing {
		names = append(names, missing.String())
	}
	return appbur.WithHint(fmt.Errorf("%w: %s", ErrRights, appbur.Shortlist(names, shownRights)),
		"have an administrator apply the roles that the plan shows, or use another account")
}

// shownRights is how many rights one line names.
const shownRights = 6

// ReviewRights asks the target what its account may do, and returns what is missing for the
// plan. It sends few requests: one for each namespace, one for each right that the rules of
// the account do not show, and where such a right is missing, reads of the objects that exist,
// because one that is as planned needs none. Besides are the rights that a run needs which writes
// anything at all. It changes nothing.
func ReviewRights(ctx context.Context, p *Plan, c Cluster, besides ...Right) (Rights, error) {
	v := &rightsReview{worker: newWorker(Applier{Cluster: c}, p.Policy), plan: p, rules: make(map[string][]accessRule)}
	v.worker.silent.looking = true
	names, ok := c.(resourceNamer)
	if !ok {
		return Rights{Missing: []Right{}, Unknown: "the target cannot be asked"}, nil
	}
	v.names = names
	needed, err := v.needed(ctx)
	if err != nil {
		return Rights{}, err
	}
	needed = append(needed, besidesOf(p, besides)...)

	rights := Rights{Missing: []Right{}}
	missing, err := v.missing(ctx, needed)
	if err == nil {
		missing, err = v.unsettled(ctx, missing)
	}
	if err == nil {
		rights.Grants, err = v.grants(ctx)
	}
	if ctx.Err() != nil {
		return Rights{}, ctx.Err()
	}
	if err != nil {
		return Rights{Missing: []Right{}, Unknown: err.Error()}, nil //nolint:nilerr // told in the result
	}

	for _, need := range missing {
		rights.Missing = append(rights.Missing, need.Right)
	}
	slices.SortFunc(rights.Missing, Right.compare)
	if len(rights.Missing) > 0 { // else nobody has to be named
		rights.Account = v.account(ctx)
		rights.Manifest = v.manifest(ctx, rights)
	}
	return rights, nil
}

// resourceNamer knows by which name a target serves a kind.
type resourceNamer interface {
	resourceName(ctx context.Context, apiVersion, kind string) (string, error)
}

// resourceName implements [resourceNamer].
func (c *kubeCluster) resourceName(ctx context.Context, apiVersion, kind string) (string, error) {
	resource, err := c.resource(ctx, apiVersion, kind)
	return resource.Name, err
}

type rightsReview struct {
	worker *worker
	plan   *Plan
	names  resourceNamer

	mu    sync.Mutex
	rules map[string][]accessRule // by namespace, "" for the cluster
}

// need is a right with the steps that need it.
type need struct {
	Right
	steps []*Step
	// always is true where it is needed by a run without any step.
	always bool
	// beside is true where no object of the plan is what the right is about.
	beside bool
}

// besidesOf are the needs of a run that writes anything: a step, or the state of an application.
func besidesOf(p *Plan, rights []Right) []*need {
	var steps []*Step
	for _, step := range p.Steps {
		if verbs, _ := verbsOf(step.Action); len(verbs) > 0 {
			steps = append(steps, step)
		}
	}
	var needs []*need
	for _, right := range rights {
		needs = append(needs, &need{Right: right, steps: slices.Clone(steps), always: len(p.Apps) > 0, beside: true})
	}
	return needs
}

// needed collects what the steps of the plan need, by right. A server-side apply is a patch
// that may create.
func (v *rightsReview) needed(ctx context.Context) ([]*need, error) {
	all := make(map[Right]*need)
	names := namerOf(v.names, v.plan)
	for _, step := range v.plan.Steps {
		verbs, subresource := verbsOf(step.Action)
		if step.Details().Replaces != nil {
			verbs = append(verbs, "delete")
		}
		if len(verbs) == 0 {
			continue
		}
		resource := names.resource(ctx, step)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if resource == "" {
			continue // the server will say it
		}
		for _, verb := range verbs {
			right := Right{Verb: verb, Group: step.Object.Group, Resource: resource + subresource, Namespace: step.Object.Namespace}
			if all[right] == nil {
				all[right] = &need{Right: right}
			}
			all[right].steps = append(all[right].steps, step)
		}
	}

	list := make([]*need, 0, len(all))
	for _, n := range all {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b *need) int { return a.compare(b.Right) })
	return list, nil
}

// verbsOf returns what a step cannot do without. To read and to list is better and not needed,
// but for the wait until a definition is served.
func verbsOf(action Action) (verbs []string, subresource string) {
	switch action {
	case ActionPrepare, ActionApply:
		return []string{"create", "patch"}, ""
	case ActionRelink:
		return []string{"patch"}, ""
	case ActionStatus:
		return []string{"patch"}, "/status"
	case ActionWait:
		return []string{"get"}, ""
	case ActionPrune:
		return []string{"delete"}, ""
	case ActionHandOver, ActionBarrier, ActionReady, ActionKeep, ActionSkip, ActionBlocked:
	}
	return nil, ""
}

// missing returns those rights that the account does not have. Its rules are read first, once
// for each namespace. They may not be all, because authorizers other than RBAC need not list
// theirs, so what they do not show is asked for.
func (v *rightsReview) missing(ctx context.Context, needed []*need) ([]*need, error) {
	var unclear []*need
	for _, n := range needed {
		shown := false
		for _, namespace := range []string{"", n.Namespace} { // the cluster first: it is one request for all
			rules, err := v.rulesIn(ctx, namespace)
			if err != nil {
				return nil, err
			}
			if shown = allowedBy(rules, n.Verb, n.Group, n.Resource, n.Name); shown {
				break
			}
		}
		if !shown {
			unclear = append(unclear, n)
		}
	}

	var mu sync.Mutex
	var missing []*need
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(reviewsAtOnce)
	for _, n := range unclear {
		group.Go(func() error {
			allowed, err := v.allowed(each, n.Right)
			if err == nil && !allowed {
				mu.Lock()
				defer mu.Unlock()
				missing = append(missing, n)
			}
			return err
		})
	}
	return missing, group.Wait()
}

// reviewsAtOnce is how many reviews are under way; each is answered from memory.
const reviewsAtOnce = 16

// unsettled drops the rights that no step needs, because what it is about is as planned
// already: whoever may not write a namespace can restore into it.
func (v *rightsReview) unsettled(ctx context.Context, missing []*need) ([]*need, error) {
	steps := make(map[*Step]*looked)
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(v.worker.limiter.current())
	for _, n := range missing {
		for _, step := range n.steps {
			if steps[step] != nil {
				continue
			}
			at := &looked{}
			steps[step] = at
			group.Go(func() (err error) {
				*at, err = v.look(each, step)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}

	rest := missing[:0]
	for _, n := range missing {
		n.steps = slices.DeleteFunc(n.steps, func(s *Step) bool {
			return steps[s].settled && !v.plan.releases(s.Object) || steps[s].exists && n.Verb == "create" && !n.beside
		})
		switch {
		case n.beside && (n.always || len(n.steps) > 0):
			rest = append(rest, n)
		case !n.beside && len(n.steps) > 0:
			n.Objects = len(n.steps)
			rest = append(rest, n)
		}
	}
	return rest, nil
}

// looked is what was seen of the object of a step.
type looked struct{ settled, exists bool }

// look reports whether the object of a step is as planned, or at least there. Owners are
// left out: their uids are known only when the plan runs. What cannot be read needs the right.
func (v *rightsReview) look(ctx context.Context, step *Step) (looked, error) {
	plain := *step
	plain.Needs = nil // nothing is restored before this look that would be waited for
	a := &stepResult{step: &plain}
	found, err := v.worker.live(ctx, a)
	switch {
	case ctx.Err() != nil:
		return looked{}, ctx.Err()
	case err != nil || found == nil:
		return looked{}, nil //nolint:nilerr // see above
	case step.Action == ActionPrune:
		return looked{exists: true}, nil
	case step.Action == ActionStatus:
		return looked{true, true}, nil // a status that another manager has is left alone
	}

	content, err := withDefaults(step, withLiveStatus(step.Content.Object(), found), found)
	if err != nil {
		return looked{exists: true}, nil //nolint:nilerr // see above
	}
	settled, err := v.worker.settled(ctx, a, content, found)
	return looked{settled && err == nil, true}, ctx.Err()
}

// account asks the target for the name of the account. Old servers do not say it.
func (v *rightsReview) account(ctx context.Context) string {
	answer, err := v.review(ctx, "authentication.k8s.io/v1", "SelfSubjectReview", nil)
	if err != nil {
		return ""
	}
	return text(answer, "status", "userInfo", "username")
}

// Account asks the target who the account is, "" if it does not say.
func Account(ctx context.Context, c Cluster) string {
	return (&rightsReview{worker: newWorker(Applier{Cluster: c}, Policy{})}).account(ctx)
}

// review sends one review and returns the answer.
func (v *rightsReview) review(ctx context.Context, apiVersion, kind string, spec map[string]any) (map[string]any, error) {
	id := appbur.ObjectID{Group: groupOf(apiVersion), Kind: kind}
	content := map[string]any{"apiVersion": apiVersion, "kind": kind}
	if spec != nil {
		content["spec"] = spec
	}
	var answer Applied
	err := v.worker.persist(ctx, &stepResult{step: &Step{Object: id}}, func() (err error) {
		answer, err = v.worker.cluster.Apply(ctx, Request{By: ByCreate, Object: id, APIVersion: apiVersion, Content: content, Full: true})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("asking the target for the rights of the account (%s): %w", kind, err)
	}
	return answer.Object, nil
}

// allowed asks for one right.
func (v *rightsReview) allowed(ctx context.Context, r Right) (bool, error) {
	resource, subresource, _ := strings.Cut(r.Resource, "/")
	answer, err := v.review(ctx, "authorization.k8s.io/v1", "SelfSubjectAccessReview", map[string]any{
		"resourceAttributes": map[string]any{
			"verb": r.Verb, "group": r.Group, "resource": resource, "subresource": subresource, "namespace": r.Namespace, "name": r.Name,
		},
	})
	return field(answer, "status", "allowed") == true, err
}
