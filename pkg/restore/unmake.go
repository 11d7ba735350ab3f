package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// Unmake adds to a plan that undoes a restore the deletion of what that restore made. An object
// of which only the name is known counts if it was made after the given time. Another one of the
// same name stays, and so do claims and volumes, because they may hold data by now, and
// namespaces and definitions with something in them that the restore did not make. As in [Prune],
// deletions come after all else, and what owns something that stays is kept. Of the unlisted kinds it is
// not known what there is, so that no namespace is known to be empty.
func Unmake(
	ctx context.Context, p *Plan, c Cluster, rules *manifest.Rules, made []Made, after time.Time, unlisted ...appbur.GroupKind,
) error {
	s, err := newSearch(ctx, newWorker(Applier{Cluster: c, Rules: rules}, p.Policy), rules, p)
	if err != nil {
		return err
	}
	s.notListed = append(s.notListed, unlisted...)
	f := &pruning{search: s, plan: p, byUID: make(map[string]*pruned), unmakes: true}
	p.Undoes = true
	if len(made) == 0 {
		return nil
	}
	if err := s.listAll(ctx); err != nil {
		return fmt.Errorf("looking for what belongs to what was made: %w", err)
	}

	var mu sync.Mutex
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(defaultParallel)
	for _, one := range made {
		group.Go(func() error {
			live, err := s.read(each, one.Object, one.APIVersion)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case each.Err() != nil:
				return each.Err()
			case apierrors.IsNotFound(err) || errors.Is(err, ErrNotServed):
				return nil
			case err != nil:
				p.Kept = append(p.Kept, Kept{one.Object, "it could not be read: " + err.Error()})
				return nil
			}
			if another := one.another(live, after); another != "" {
				p.Kept = append(p.Kept, Kept{one.Object, another})
				return nil
			}
			f.add(addition{id: one.Object, apiVersion: one.APIVersion, identity: identityOf(live), live: live})
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}

	if err := f.settle(ctx); err != nil {
		return fmt.Errorf("looking for what belongs to what was made: %w", err)
	}
	f.write()
	return nil
}

// another says why a live object is not the one that was made, "" if it is.
func (m Made) another(live map[string]any, after time.Time) string {
	if m.UID != "" && text(live, "metadata", "uid") != m.UID {
		return "another object of this name was made since"
	}
	born, err := time.Parse(time.RFC3339, text(live, "metadata", "creationTimestamp"))
	if m.UID == "" && (err != nil || born.Before(after.Truncate(time.Second))) {
		return "it is older than the restore"
	}
	return ""
}

// listAll lists all kinds, to see what belongs to what.
func (s *search) listAll(ctx context.Context) error {
	for kind := range s.kinds {
		existing, err := s.list(ctx, kind)
		if err != nil {
			return err
		}
		s.listed[kind] = existing
	}
	return nil
}

// keepFilled keeps namespaces and definitions with something in them that stays. What the cluster
// makes by itself goes with them.
func (f *pruning) keepFilled(ctx context.Context) (changed bool, err error) {
	for _, one := range f.list {
		if one.kept != "" || one.id.GroupKind() != kindNamespace && one.id.GroupKind() != kindDefinition {
			continue
		}
		defined := readDefinition(one.id, one.live).kind
		for kind, existing := range f.search.listed {
			for id, identity := range existing {
				inside := one.id.GroupKind() == kindNamespace && id.Namespace == one.id.Name ||
					one.id.GroupKind() == kindDefinition && kind.groupKind() == defined
				if one.kept != "" || !inside || f.goes(identity.UID) {
					continue
				}
				derived, err := f.isDerived(ctx, id, kind.apiVersion)
				if err != nil {
					return false, err
				}
				if !derived {
					one.kept, changed = fmt.Sprintf("it holds %s, which stays", id), true
				}
			}
		}
		if len(f.search.notListed) > 0 && one.kept == "" {
			one.kept, changed = fmt.Sprintf("%s cannot be listed: whether it is empty is not known", f.search.notListed[0]), true
		}
	}
	return changed, nil
}

// isDerived reports whether the cluster makes an object by itself. What cannot be read is not known to be.
func (f *pruning) isDerived(ctx context.Context, id appbur.ObjectID, apiVersion string) (bool, error) {
	live, err := f.search.read(ctx, id, apiVersion)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, nil
	}
	if controller := f.controllerOf(live); f.unmakes && controller != nil && f.goes(controller.identity.UID) {
		return true, nil
	}
	derived, err := f.search.derived(live)
	return derived && err == nil, nil //nolint:nilerr // what cannot be judged stays
}

// controllerOf returns the owner of an object if it is among what is looked at.
func (f *pruning) controllerOf(live map[string]any) *pruned {
	for _, owner := range list(live, "metadata", "ownerReferences") {
		if field(owner, "controller") == true && strings.TrimSpace(text(owner, "uid")) != "" {
			return f.byUID[text(owner, "uid")]
		}
	}
	return nil
}
