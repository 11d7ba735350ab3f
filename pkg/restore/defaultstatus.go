package restore

import "context"

// A definition may give new objects a status by default. A status that is applied on top
// is mixed with it: what the default has and the restored status has not stays. So the
// status of an object that was just created is replaced completely, unless another manager
// has written one meanwhile.

// beforeApply is the manager that a server gives the fields which an object had before
// anybody applied it (apimachinery, managedfields/internal, skipnonapplied.go).
const beforeApply = "before-first-apply"

// withoutDefaultStatus takes away what a default left in the status that was just applied.
func (w *worker) withoutDefaultStatus(ctx context.Context, a *stepResult, request Request, applied Applied) (Applied, error) {
	err := w.readAndWrite(ctx, a, func() error {
		live, err := w.live(ctx, a)
		if err != nil || live == nil || !isMixed(live, request.Content["status"]) {
			return err
		}

		replacement := request
		replacement.By, replacement.Content = ByUpdate, with(live, a.step.Content.Object()["status"], "status")
		answer, err := w.send(ctx, a, replacement)
		if err == nil {
			applied = answer
		}
		return err
	})
	if isRaced(err) {
		return applied, nil // its controller goes on writing it
	}
	return applied, err
}

// isMixed reports whether a live status has more than it should and no manager but us has
// written it.
func isMixed(live map[string]any, want any) bool {
	for _, entry := range list(live, "metadata", "managedFields") {
		if text(entry, "subresource") == "status" && text(entry, "manager") != FieldManager && text(entry, "manager") != beforeApply {
			return false
		}
	}
	return hasMore(live["status"], want)
}

// hasMore reports whether a value has fields that another one has not.
func hasMore(value, than any) bool {
	fields, isMap := value.(map[string]any)
	other, both := than.(map[string]any)
	if !isMap || !both {
		return false
	}
	for name, inner := range fields {
		if below, ok := other[name]; !ok || hasMore(inner, below) {
			return true
		}
	}
	return false
}
