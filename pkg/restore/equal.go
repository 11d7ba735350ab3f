package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// A restore looks before it writes: an object that is as the plan says gets no
// request. A write that changes nothing is not free, because admission judges it
// all the same: once a validating webhook without its backend is restored, it would
// refuse to have each object left as it is.

// live reads the object of a step as it is. It returns nil when it is not there, or
// when we may not read it: then the write will show it.
func (w *worker) live(ctx context.Context, a *stepResult) (map[string]any, error) {
	var found map[string]any
	err := w.persist(ctx, a, func() error {
		var err error
		found, err = w.cluster.Get(ctx, a.step.Object, a.step.APIVersion)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsMethodNotSupported(err) || errors.Is(err, ErrNotServed):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking at it: %w", err)
	}
	return found, nil
}

// settled reports whether a live object needs no write: it is as the plan says, or it is
// still what was saved, where the plan converts it for targets that do not have it yet; and
// of what is live we own nothing else, which an apply would take away.
func (w *worker) settled(ctx context.Context, a *stepResult, content, found map[string]any) (bool, error) {
	if found == nil {
		return false, nil
	}
	unlike := unlikePlan(w.rules, a.step, content, found)
	if len(unlike) == 0 {
		return ownsNoMore(content, found) && !createdMore(w.rules, a.step, content, found), nil
	}
	rest, asSaved, err := unlikeSaved(ctx, a.step, unlike, found, w.getter(a))
	if err != nil {
		return false, fmt.Errorf("looking at it as it was saved: %w", err)
	}
	a.asSaved = asSaved && len(rest) == 0
	return a.asSaved, nil
}

// isAsPlanned reports whether a live object has what the plan says, and nothing of ours on top.
func (w *worker) isAsPlanned(step *Step, content, found map[string]any) bool {
	return len(unlikePlan(w.rules, step, content, found)) == 0 && ownsNoMore(content, found) &&
		!createdMore(w.rules, step, content, found)
}

// getter reads other forms of the object of a step, as often as it takes.
func (w *worker) getter(a *stepResult) getter {
	return func(ctx context.Context, id appbur.ObjectID, apiVersion string) (found map[string]any, err error) {
		err = w.persist(ctx, a, func() error {
			found, err = w.cluster.Get(ctx, id, apiVersion)
			return err
		})
		return found, err
	}
}

// wroteNothing reports whether a write that led from before to the answer changed nothing.
// Where both are known completely their content decides, in a dry run, which moves no
// resource version, as in a real one, in which servers may store nothing but a new time.
func wroteNothing(before Identity, live map[string]any, answer Applied, status bool) bool {
	if before.UID != answer.UID {
		return false
	}
	if answer.Object != nil && live != nil {
		return reflect.DeepEqual(stored(live), stored(answer.Object))
	}
	if answer.Object == nil && before.ResourceVersion == answer.ResourceVersion {
		return true
	}
	// Other managers may have written in between, which moves the resource version but not
	// our entry.
	if status {
		return before.AppliedStatus != "" && before.AppliedStatus == answer.AppliedStatus
	}
	return before.Applied != "" && before.Applied == answer.Applied
}

// stored returns what of an object decides whether the server stores a write: not what it
// counts by itself, and not the times of managers, which it only moves along with a change.
func stored(object map[string]any) map[string]any {
	object = without(without(object, "metadata", "resourceVersion"), "metadata", "generation")
	managers := slices.Clone(list(object, "metadata", "managedFields"))
	for i, entry := range managers {
		managers[i] = without(dict(entry), "time")
	}
	return with(object, managers, "metadata", "managedFields")
}

// ownsNoMore reports whether the content has all that we own of a live object.
func ownsNoMore(content, live map[string]any) bool {
	for _, entry := range list(live, "metadata", "managedFields") {
		if text(entry, "manager") != FieldManager || text(entry, "operation") != "Apply" || text(entry, "subresource") != "" {
			continue
		}
		if !covers(content, dict(entry, "fieldsV1")) {
			return false
		}
	}
	return true
}

// createdMore reports whether we created a key of a map that users fill, which the content
// has no more. Of other fields a create does not tell what was a default of the server.
func createdMore(rules *manifest.Rules, step *Step, content, live map[string]any) bool {
	var more [][]string
	for _, entry := range list(live, "metadata", "managedFields") {
		if isOurUpdate(entry) {
			more = append(more, keysOnTop(step.Object.GroupKind(), dict(entry, "fieldsV1"), content)...)
		}
	}
	if len(more) == 0 {
		return false
	}
	kept, err := normalOf(rules, live)
	return err != nil || slices.ContainsFunc(more, func(path []string) bool {
		return has(kept.content, path) && !isLabelOfTemplate(live, path)
	})
}

// createdElements reports whether a list of an object that we created has elements which the
// content has no more.
func createdElements(rules *manifest.Rules, step *Step, content, live map[string]any) bool {
	if !slices.ContainsFunc(list(live, "metadata", "managedFields"), isOurUpdate) {
		return false
	}
	return slices.ContainsFunc(unlikePlan(rules, step, content, live), func(d difference) bool {
		want, isList := lookup(content, d.path).([]any)
		return isList && len(list(lookup(live, d.path))) > len(want)
	})
}

// keysOnTop returns the keys of free-form maps that are in a set of fields and not in the
// content.
func keysOnTop(kind appbur.GroupKind, owned, content map[string]any) [][]string {
	var more [][]string
	for _, each := range freeForm {
		if each.kind != (appbur.GroupKind{}) && each.kind != kind {
			continue
		}
		path := strings.Split(each.path, ".")
		below := owned
		for _, name := range path {
			below = dict(below, "f:"+name)
		}
		for name := range below {
			if key, isField := strings.CutPrefix(name, "f:"); isField && !has(content, child(path, key)) {
				more = append(more, child(path, key))
			}
		}
	}
	return more
}

// isLabelOfTemplate reports whether a label is one that a server gives an object without
// labels by default: Jobs and ReplicationControllers get those of their template (kubernetes,
// pkg/apis/batch/v1/defaults.go and pkg/apis/core/v1/defaults.go).
func isLabelOfTemplate(live map[string]any, path []string) bool {
	value := lookup(live, path)
	return path[1] == "labels" && value != nil && value == lookup(live, append([]string{"spec", "template"}, path...))
}

// covers reports whether the value has every field of the set, which is in the form
// of managedFields: f: names a field, k: an element by its keys, v: one by its value
// and i: one by its place.
func covers(value any, fields map[string]any) bool {
	for name, below := range fields {
		if name == "." {
			continue
		}
		kind, key, _ := strings.Cut(name, ":")
		inner, ok := memberOf(value, kind, key)
		if !ok || !covers(inner, dict(below)) {
			return false
		}
	}
	return true
}

func memberOf(value any, kind, key string) (any, bool) {
	switch kind {
	case "f":
		inner, ok := dict(value)[key]
		return inner, ok
	case "i":
		at, err := strconv.Atoi(key)
		elements := list(value)
		if err != nil || at < 0 || at >= len(elements) {
			return nil, false
		}
		return elements[at], true
	}

	var want any
	if json.Unmarshal([]byte(key), &want) != nil {
		return nil, false
	}
	elements := list(value)
	at := slices.IndexFunc(elements, func(element any) bool {
		if kind == "k" {
			return hasKeys(element, dict(want))
		}
		return len(differences(want, element)) == 0
	})
	if at < 0 {
		return nil, false
	}
	return elements[at], true
}

// hasKeys reports whether an element has these keys. A missing one is a default
// of the server, such as the protocol of a port.
func hasKeys(element any, keys map[string]any) bool {
	for key, want := range keys {
		if value, ok := dict(element)[key]; ok && len(differences(want, value)) > 0 {
			return false
		}
	}
	return true
}
