package restore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// A restore takes nothing away, so what was added to the target stays, and only verify says
// that it is there.

// freeForm are maps that users fill and no server gives a default to, so that a key on top is
// somebody's. Kinds is the zero value for every kind.
var freeForm = []struct {
	kind appbur.GroupKind
	path string
	// byClients is true where parts of Kubernetes write keys, too: then only those of other
	// managers count.
	byClients bool
	reason    string
}{
	{kind: kindConfigMap, path: "data", reason: "configuration is read key by key, and a key more changes what a program does"},
	{kind: kindConfigMap, path: "binaryData", reason: "as data"},
	{kind: kindSecret, path: "data", reason: "as the data of a ConfigMap"},
	{path: "metadata.labels", byClients: true, reason: "selectors and policies choose objects by labels"},
	{path: "metadata.annotations", byClients: true, reason: "controllers are configured by annotations"},
}

// addedField makes a finding of a field on top, or counts it where it may be a default or the
// work of a controller.
func (v *verifier) addedField(step *Step, live, saved map[string]any, path []string) {
	managers := managersAt(live, saved, path)
	clients := slices.DeleteFunc(slices.Clone(managers), manifest.IsControlPlane)
	by := "nobody is recorded as its writer"
	if len(managers) > 0 {
		by = "written by " + appbur.Shortlist(managers, shownManagers)
	}

	for _, each := range freeForm {
		under := strings.Split(each.path, ".")
		if each.kind != (appbur.GroupKind{}) && each.kind != step.Object.GroupKind() || !slices.Equal(path[:min(len(path), len(under))], under) {
			continue
		}
		if keys, isMap := lookup(saved, path).(map[string]any); isMap && len(path) == len(under) {
			for _, key := range slices.Sorted(maps.Keys(keys)) { // the whole map was added
				v.addedField(step, live, saved, child(path, key))
			}
			return
		}
		if !each.byClients || len(clients) > 0 {
			v.find(Finding{
				Kind: FindingAdded, Object: step.Object, Path: formatPath(path), What: "is not in the restore point; " + by,
			})
			return
		}
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	v.added[Addition{Kind: step.Object.GroupKind(), Path: countedPath(path), Manager: strings.Join(managers, ", ")}]++
}

// countedPath writes the elements of lists as [], so that paths of many objects can be counted.
func countedPath(path []string) string {
	var b strings.Builder
	for _, key := range path {
		switch {
		case isOrdinal(key):
			b.WriteString("[]")
		case b.Len() > 0:
			b.WriteString("." + key)
		default:
			b.WriteString(key)
		}
	}
	return b.String()
}

// managersAt returns who is recorded as the writer of a field of a live object, but for
// appbur, sorted. The path leads through what the rules leave of the object, whose lists may
// be shorter: elements are found by what they hold. Defaults of a server have no writer when an
// object was applied.
func managersAt(live, saved map[string]any, path []string) []string {
	var managers []string
	for _, entry := range list(live, "metadata", "managedFields") {
		manager := text(entry, "manager")
		if manager == "" || manager == FieldManager || text(entry, "subresource") != "" {
			continue
		}
		if holdsField(dict(entry, "fieldsV1"), saved, path) {
			managers = append(managers, manager)
		}
	}
	slices.Sort(managers)
	return slices.Compact(managers)
}

// holdsField reports whether a set in the form of managedFields has the field at a path of a
// value. Who has a map or a list as a whole has all that is in it.
func holdsField(fields map[string]any, value any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	if len(fields) == 0 {
		return false
	}
	inner := lookup(value, path[:1])
	for name, below := range fields {
		kind, key, _ := strings.Cut(name, ":")
		matches := kind == "f" && key == path[0]
		switch {
		case !isOrdinal(path[0]) || kind == "f":
		case kind == "i":
			matches = key == path[0]
		default:
			_, matches = memberOf([]any{inner}, kind, key)
		}

		if set := dict(below); matches && (len(set) == 0 || holdsField(set, inner, path[1:])) {
			return true
		}
	}
	return false
}

// addedObjects looks for objects that the point does not have: of the namespaced kinds that it
// has, in the namespaces that it has. What the rules would not save is no addition, nor is what
// a controller owns, or Kubernetes alone wrote. A cluster that the point was not taken of fills the namespaces of
// Kubernetes by itself.
func (v *verifier) addedObjects(ctx context.Context, p *Plan) error {
	if p.partial {
		v.findings.NotSearched = "the restore point is partial: what it does not have may have been there"
		return nil
	}
	own, err := v.isSource(ctx, p)
	if err != nil {
		return err
	}
	held, namespaces, kinds := make(map[appbur.ObjectID]bool), make(map[string]bool), make(map[typeKey]bool)
	for i := range p.Steps {
		step := &p.Steps[i]
		held[step.Object] = true
		if step.Object.GroupKind() == kindNamespace {
			namespaces[step.Object.Name] = true
		}
		if step.Object.Namespace == "" || step.Action != ActionApply {
			continue
		}
		namespaces[step.Object.Namespace] = true
		if _, never := v.rules.ExcludesKind(step.Object.GroupKind()); !never {
			kinds[typeKey{step.APIVersion, step.Object.Kind}] = true
		}
	}
	for name := range systemNamespaces {
		namespaces[name] = namespaces[name] && (own || name == "default")
	}

	group, each := errgroup.WithContext(ctx)
	group.SetLimit(defaultParallel)
	for kind := range kinds {
		existing, err := v.list(ctx, kind)
		if err != nil {
			return err
		}
		for id, identity := range existing {
			if held[id] || !namespaces[id.Namespace] || identity.Terminating || p.Part.narrows() && p.Part.held[id] {
				continue
			}
			group.Go(func() error {
				step := &Step{Object: id, APIVersion: kind.apiVersion}
				return v.guard(step, func() error { return v.addedObject(each, p.Part, step) })
			})
		}
	}
	return group.Wait()
}

// isSource reports whether the target is the cluster that the point was taken of.
func (v *verifier) isSource(ctx context.Context, p *Plan) (bool, error) {
	id := appbur.ObjectID{Kind: kindNamespace.Kind, Name: "kube-system"}
	live, err := v.read(ctx, &Step{Object: id}, id, "v1")
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil && text(live, "metadata", "uid") == p.Source.ID, nil
}

// list lists a kind. One that may not be listed is told: nothing is known of what was added.
func (v *verifier) list(ctx context.Context, kind typeKey) (existing map[appbur.ObjectID]Identity, err error) {
	err = v.worker.persist(ctx, &stepResult{step: &Step{}}, func() error {
		existing, err = v.worker.cluster.Existing(ctx, kind.apiVersion, kind.kind)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil:
		return existing, nil
	case apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err):
		v.findings.NotListed = append(v.findings.NotListed, appbur.GroupKind{Group: groupOf(kind.apiVersion), Kind: kind.kind})
		return nil, nil
	}
	return nil, fmt.Errorf("listing %s: %w", kind.kind, err)
}

// addedObject decides whether an object that the point does not have is an addition.
// Of a part of a point only what would have been chosen is one.
func (v *verifier) addedObject(ctx context.Context, part *Part, step *Step) error {
	live, err := v.read(ctx, step, step.Object, step.APIVersion)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case apierrors.IsNotFound(err):
		return nil // deleted meanwhile
	case err != nil:
		v.find(Finding{Kind: FindingUnreadable, Object: step.Object, What: err.Error()})
		return nil
	}

	decision, err := v.rules.Decide(live)
	if err != nil {
		v.find(Finding{Kind: FindingUnreadable, Object: step.Object, What: err.Error()})
		return nil
	}
	controlled := slices.ContainsFunc(list(live, "metadata", "ownerReferences"), func(r any) bool { return field(r, "controller") == true })
	managers := writersOf(live)
	byKubernetes := len(managers) > 0 && !slices.ContainsFunc(managers, func(m string) bool { return !manifest.IsControlPlane(m) })
	if part.narrows() && !part.covers(Object{ID: step.Object, APIVersion: step.APIVersion, Content: live}) {
		return nil
	}
	if !decision.Saved || controlled || byKubernetes { // such as the claims of a StatefulSet
		return nil
	}
	what := "is not in the restore point; made " + text(live, "metadata", "creationTimestamp")
	if len(managers) > 0 {
		what += " and written by " + appbur.Shortlist(managers, shownManagers)
	}
	v.find(Finding{Kind: FindingAdded, Object: step.Object, What: what})
	return nil
}

// writersOf returns who wrote an object itself.
func writersOf(live map[string]any) []string {
	var managers []string
	for _, entry := range list(live, "metadata", "managedFields") {
		if manager := text(entry, "manager"); manager != "" && text(entry, "subresource") == "" {
			managers = append(managers, manager)
		}
	}
	slices.Sort(managers)
	return slices.Compact(managers)
}
