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

// What of the target the point does not have is decided once, here: verify tells it, and a
// prune deletes of it what may be deleted.

// addition is a live object that the point does not have, and that it would have if the object
// had been there.
type addition struct {
	id         appbur.ObjectID
	apiVersion string
	identity   Identity
	live       map[string]any
	// controlled is true when another object is its controller, which would make it again.
	controlled bool
}

// what says for people who added it, and when.
func (a addition) what() string {
	what := "is not in the restore point; made " + text(a.live, "metadata", "creationTimestamp")
	if managers := writersOf(a.live); len(managers) > 0 {
		what += " and written by " + appbur.Shortlist(managers, shownManagers)
	}
	return what
}

// search looks for what was added: of the kinds that the point has or covers, in the
// namespaces that it has. What the rules would not save is no addition, nor is what Kubernetes
// alone wrote. A cluster that the point was not taken of fills the namespaces of Kubernetes by
// itself, and has objects outside of namespaces for itself.
type search struct {
	worker *worker
	rules  *manifest.Rules
	plan   *Plan
	// own is true when the target is the cluster that the point was taken of.
	own bool

	held       map[appbur.ObjectID]bool // as [anyGroup] has them
	namespaces map[string]bool
	kinds      map[typeKey]bool // by whether they are namespaced

	mu sync.Mutex
	// listed are the objects of the kinds, nil for who does not ask for them afterwards.
	listed    map[typeKey]map[appbur.ObjectID]Identity
	notListed []appbur.GroupKind
}

func newSearch(ctx context.Context, w *worker, rules *manifest.Rules, p *Plan) (*search, error) {
	s := &search{
		worker: w, rules: rules, plan: p,
		held: make(map[appbur.ObjectID]bool, len(p.Steps)), namespaces: make(map[string]bool),
		kinds: make(map[typeKey]bool), listed: make(map[typeKey]map[appbur.ObjectID]Identity),
	}
	var err error
	if s.own, err = s.isSource(ctx); err != nil {
		return nil, err
	}

	for _, step := range p.Steps {
		if step.Action == ActionPrune || !step.Action.HasObject() {
			continue
		}
		s.held[anyGroup(step.Object)] = true
		if step.Object.GroupKind() == kindNamespace {
			s.namespaces[step.Object.Name] = true
		}
		if step.Object.Namespace != "" && step.Action == ActionApply {
			s.namespaces[step.Object.Namespace] = true
			s.look(typeKey{step.APIVersion, step.Object.Kind}, true)
		}
	}
	for _, kind := range p.covered {
		if kind.namespaced || s.own {
			s.look(kind.typeKey, kind.namespaced)
		}
	}

	for name := range systemNamespaces {
		s.namespaces[name] = s.namespaces[name] && (s.own || name == "default")
	}
	return s, nil
}

// anyGroup is the id of an object in whatever group it is served: built-in kinds can be in two, and are
// one object.
func anyGroup(id appbur.ObjectID) appbur.ObjectID {
	if manifest.IsBuiltIn(id.Group) {
		id.Group = ""
	}
	return id
}

func (s *search) holds(id appbur.ObjectID) bool {
	return s.held[anyGroup(id)] || s.plan.Part != nil && s.plan.Part.held[id]
}

// look adds a kind to those that are searched, at one version.
func (s *search) look(kind typeKey, namespaced bool) {
	if _, never := s.rules.ExcludesKind(kind.groupKind()); never {
		return
	}
	for known := range s.kinds {
		if known.groupKind() == kind.groupKind() {
			return
		}
	}
	s.kinds[kind] = namespaced
}

// isSource reports whether the target is the cluster that the point was taken of.
func (s *search) isSource(ctx context.Context) (bool, error) {
	live, err := s.read(ctx, appbur.ObjectID{Kind: kindNamespace.Kind, Name: "kube-system"}, "v1")
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil && text(live, "metadata", "uid") == s.plan.Source.ID, nil
}

func (s *search) read(ctx context.Context, id appbur.ObjectID, apiVersion string) (live map[string]any, err error) {
	err = s.worker.persist(ctx, &stepResult{step: &Step{Object: id}}, func() error {
		live, err = s.worker.cluster.Get(ctx, id, apiVersion)
		return err
	})
	return live, err
}

// list lists a kind. One that may not be listed is told: nothing is known of what was added.
func (s *search) list(ctx context.Context, kind typeKey) (existing map[appbur.ObjectID]Identity, err error) {
	err = s.worker.persist(ctx, &stepResult{step: &Step{}}, func() error {
		existing, err = s.worker.cluster.Existing(ctx, kind.apiVersion, kind.kind)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil:
		return existing, nil
	case apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err) || errors.Is(err, ErrUnconverted):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.notListed = append(s.notListed, kind.groupKind())
		return nil, nil
	}
	return nil, fmt.Errorf("listing %s: %w", kind.kind, err)
}

// run calls found for each addition, and unread for each object of which it cannot be said
// whether it is one; both of several goroutines.
func (s *search) run(ctx context.Context, found func(addition), unread func(appbur.ObjectID, error)) error {
	reads, each := errgroup.WithContext(ctx)
	reads.SetLimit(defaultParallel)
	lists, within := errgroup.WithContext(ctx)
	lists.SetLimit(parallelLists)
	for kind, namespaced := range s.kinds {
		lists.Go(func() error {
			existing, err := s.list(within, kind)
			if err != nil {
				return err
			}
			s.keep(kind, existing)
			for id, identity := range existing {
				if s.holds(id) || namespaced && !s.namespaces[id.Namespace] {
					continue
				}
				reads.Go(func() error {
					added, err := s.judge(each, id, kind.apiVersion)
					switch {
					case each.Err() != nil:
						return each.Err()
					case err != nil:
						unread(id, err)
					case added != nil:
						added.identity = identity
						found(*added)
					}
					return nil
				})
			}
			return nil
		})
	}
	if err := lists.Wait(); err != nil {
		return errors.Join(err, reads.Wait())
	}
	return reads.Wait()
}

// parallelLists is how many kinds are listed at the same time. Each list is in memory as a whole.
const parallelLists = 4

// keep keeps what was listed for who asks for it.
func (s *search) keep(kind typeKey, existing map[appbur.ObjectID]Identity) {
	if s.listed == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[kind] = existing
}

// judge reads an object and decides whether it is an addition: nil if it is none. Of a part of a
// point only what would have been chosen is one.
func (s *search) judge(ctx context.Context, id appbur.ObjectID, apiVersion string) (added *addition, err error) {
	err = appbur.Guard(func() error {
		live, err := s.read(ctx, id, apiVersion)
		if apierrors.IsNotFound(err) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		added, err = s.addition(id, apiVersion, live)
		return err
	})
	return added, err
}

// addition decides about an object that was read.
func (s *search) addition(id appbur.ObjectID, apiVersion string, live map[string]any) (*addition, error) {
	if part := s.plan.Part; part != nil && !part.covers(Object{ID: id, APIVersion: apiVersion, Content: live}) {
		return nil, nil
	}
	derived, err := s.derived(live)
	if err != nil || derived {
		return nil, err
	}
	controlled := slices.ContainsFunc(list(live, "metadata", "ownerReferences"), func(r any) bool { return field(r, "controller") == true })
	return &addition{id: id, apiVersion: apiVersion, live: live, controlled: controlled, identity: identityOf(live)}, nil
}

// derived reports whether the cluster makes the object by itself: the rules would not save it,
// or Kubernetes alone wrote it, as it does the claims of a StatefulSet.
func (s *search) derived(live map[string]any) (bool, error) {
	decision, err := s.rules.Decide(without(live, "metadata", "deletionTimestamp"))
	if err != nil {
		return false, err
	}
	managers := writersOf(live)
	byKubernetes := len(managers) > 0 && !slices.ContainsFunc(managers, func(m string) bool { return !manifest.IsControlPlane(m) })
	return !decision.Saved || byKubernetes, nil
}

// addedObjects makes findings of what was added.
func (v *verifier) addedObjects(ctx context.Context, p *Plan) error {
	if p.partial {
		v.findings.NotSearched = "the restore point is partial: what it does not have may have been there"
		return nil
	}
	s, err := newSearch(ctx, v.worker, v.rules, p)
	if err != nil {
		return err
	}

	s.listed = nil // they are asked for one by one
	err = s.run(ctx, func(a addition) {
		held := finalizersOf(a.live)
		switch {
		case a.controlled:
		case !a.identity.Terminating:
			v.find(Finding{Kind: FindingAdded, Object: a.id, What: a.what()})
		case len(held) > 0: // what nothing keeps is as good as gone
			v.find(Finding{
				Kind: FindingTerminating, Object: a.id,
				What: "is not in the restore point, is being deleted, and waits for " + appbur.Shortlist(held, shownManagers),
			})
		}
	}, func(id appbur.ObjectID, err error) {
		v.find(Finding{Kind: FindingUnreadable, Object: id, What: err.Error()})
	})

	v.findings.NotListed = append(v.findings.NotListed, s.notListed...)
	return err
}

// finalizersOf returns what keeps an object that is being deleted.
func finalizersOf(live map[string]any) []string {
	var names []string
	for _, name := range list(live, "metadata", "finalizers") {
		if name, ok := name.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// found gathers additions of many goroutines.
type found struct {
	mu     sync.Mutex
	added  []addition
	unread []Kept
}

func (f *found) add(a addition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added = append(f.added, a)
}

func (f *found) unreadable(id appbur.ObjectID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unread = append(f.unread, Kept{id, "it could not be read: " + err.Error()})
}
