package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Unchangeable is an object that exists and cannot be brought to the plan, because the server
// lets nobody change some of its fields.
type Unchangeable struct {
	Object appbur.ObjectID
	// Why is what the server says, Refused why the object is not replaced either, "" if it can be.
	Why     string
	Refused string

	step *Step
	live map[string]any
}

// Replacement says that an object is deleted and created again, because fields of it cannot be changed.
type Replacement struct {
	// UID is that of the object that is deleted: another one stays.
	UID string `json:"uid"`
	// Why is what the server says about the fields.
	Why string `json:"why"`
	// Orphan leaves what it owns to the new object. Otherwise the garbage collector deletes it, and the
	// controller of the new object makes it again.
	Orphan bool `json:"orphan,omitempty"`
}

// irreplaceable are kinds that are never deleted to be created again.
var irreplaceable = map[appbur.GroupKind]string{
	kindNamespace:  "all that is in it would be deleted with it",
	kindDefinition: "all objects of its kind would be deleted with it",
	kindAPIService: "its kinds would not be served meanwhile",
	kindClaim:      "its data would be lost",
	kindVolume:     "its data could be lost",
	{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshot"}:        "its data would be lost",
	{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshotContent"}: "its data would be lost",
}

// FindUnchangeable asks the server, by dry runs, which of the objects that exist and differ cannot be
// changed. If it is known which objects differ, only these are asked about.
func FindUnchangeable(
	ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules, differ map[appbur.ObjectID]bool,
) ([]Unchangeable, error) {
	w := newWorker(Applier{Cluster: DryRun(c), Rules: rules}, p.Policy)
	asked := *p
	if differ != nil {
		asked.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s *Step) bool { return !differ[s.Object] })
	}
	w.groups = foreseeAll(&asked)
	var mu sync.Mutex
	var list []Unchangeable
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(w.limiter.current())
	for _, step := range asked.Steps {
		if step.Action != ActionApply || step.Details().Need != nil {
			continue
		}
		group.Go(func() error {
			one, err := w.tryChange(each, step)
			if err != nil || one == nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			list = append(list, *one)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("looking for what cannot be changed: %w", err)
	}
	slices.SortFunc(list, func(a, b Unchangeable) int { return a.Object.Compare(b.Object) })
	return list, refuseOwners(ctx, p, c, rules, list)
}

// tryChange applies one step in a dry run, and returns nil unless that fails for what cannot be changed.
func (w *worker) tryChange(ctx context.Context, step *Step) (*Unchangeable, error) {
	plain := *step
	plain.Needs = nil // nothing is restored before this look that would be waited for
	a := &stepResult{step: &plain}
	_, known, err := w.before(ctx, a, learned{})
	if err != nil || !known {
		return nil, err
	}
	err = step.redaction.error(appbur.Guard(func() error { return w.apply(ctx, a, learned{}) }))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil || !isUnchangeable(err) {
		return nil, nil
	}
	one := &Unchangeable{Object: step.Object, Why: err.Error(), Refused: irreplaceable[step.Object.GroupKind()], step: step}
	if one.live, err = w.live(ctx, a); err != nil {
		return nil, err
	}
	if one.live == nil {
		return nil, nil // gone meanwhile
	}
	if text(one.live, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete" {
		one.Refused = "its claims, and their data, would be deleted with it"
	}
	return one, nil
}

// refuseOwners refuses to replace what owns something that would be deleted with it and that nobody
// makes again.
func refuseOwners(ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules, list []Unchangeable) error {
	byUID := make(map[string]*Unchangeable)
	for i := range list {
		if one := &list[i]; one.Refused == "" && !one.orphans() {
			byUID[text(one.live, "metadata", "uid")] = one
		}
	}
	if len(byUID) == 0 {
		return nil
	}
	s, err := newSearch(ctx, newWorker(Applier{Cluster: c, Rules: rules}, p.Policy), rules, p)
	if err == nil {
		err = s.listAll(ctx)
	}
	if err != nil {
		return fmt.Errorf("looking for what belongs to what cannot be changed: %w", err)
	}

	f := &pruning{search: s, plan: p, byUID: make(map[string]*pruned)}
	for kind, existing := range s.listed {
		for id, identity := range existing {
			for uid := range strings.FieldsSeq(identity.Owners) {
				one := byUID[uid]
				if one == nil || one.Refused != "" {
					continue
				}
				derived, err := f.isDerived(ctx, id, kind.apiVersion)
				if err != nil {
					return err
				}
				if !derived {
					one.Refused = fmt.Sprintf("it owns %s, which would be deleted with it", id)
				}
			}
		}
	}
	return nil
}

// orphans reports whether what the object owns is left to the new one: what a controller finds again
// by the selector, and whatever custom resources own. Pods of another selector, or of a Job, would
// run beside the new ones.
func (u Unchangeable) orphans() bool {
	if !manifest.IsBuiltIn(u.Object.Group) {
		return true
	}
	selector, has := lookup(u.live, []string{"spec", "selector"}).(map[string]any)
	runs := u.Object.Group == "apps" && has
	planned := field(u.step.Content.Object(), "spec", "selector")
	return runs && len(differences(selector, planned)) == 0 && len(differences(planned, selector)) == 0
}

// Replace adds to the plan that objects which cannot be changed are deleted and created again.
// Those that cannot be replaced safely become notes, and fail as they would without it.
func Replace(ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules) error {
	list, err := FindUnchangeable(ctx, p, c, rules, nil)
	if err != nil {
		return err
	}
	for _, one := range list {
		if one.Refused != "" {
			p.Notes = append(p.Notes, Note{
				Kind: NoteUnchangeable, Object: one.Object,
				What: fmt.Sprintf("it cannot be changed, and is not replaced: %s (%s)", one.Refused, one.Why),
			})
			continue
		}
		one.step.detail().Replaces = &Replacement{UID: text(one.live, "metadata", "uid"), Why: one.Why, Orphan: one.orphans()}
		one.step.Digest = appbur.DigestOf([]byte(one.step.Digest.String() + one.step.Details().Replaces.UID))
	}
	return nil
}

// replace deletes a live object and creates it again. What was deleted and could not be created is
// created by the next run.
func (w *worker) replace(ctx context.Context, a *stepResult, found map[string]any, request Request) error {
	seen := identityOf(found)
	if seen.UID != a.step.Details().Replaces.UID {
		return fmt.Errorf("it is not replaced, because it is another object than when the plan was made: %s", a.step.Details().Replaces.Why)
	}
	gone, err := w.deleteOnce(ctx, a, Deletion{
		Object: a.step.Object, APIVersion: a.step.APIVersion, UID: seen.UID, ResourceVersion: seen.ResourceVersion,
		Orphan: a.step.Details().Replaces.Orphan,
	})
	if err != nil {
		return fmt.Errorf("deleting it, to create it again: %w", err)
	}
	if !gone {
		if err := w.awaitGone(ctx, a, seen.UID); err != nil {
			return fmt.Errorf("it was deleted to be created again, and is not created before it is gone: %w", err)
		}
	}

	request.Full = false
	answer, err := w.write(ctx, a, request)
	if err != nil {
		return fmt.Errorf("it was deleted, and could not be created again: %w", err)
	}
	a.identity, a.unchecked, a.result, a.replaced = answer.Identity, answer.Unchecked, Configured, true
	a.note = "it was deleted and created again, because fields of it cannot be changed"
	return nil
}
