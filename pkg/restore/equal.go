package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// isAsPlanned reports whether an apply of the content would change nothing: all of it
// is live, and of what is live we own nothing else, which the apply would take away.
func isAsPlanned(content, live map[string]any) bool {
	if live == nil || len(differences(content, live)) > 0 {
		return false
	}
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
