package restore

import (
	"context"
	"fmt"
)

// Some lists are maps in disguise: the containers of a pod by name, its ports by
// number and protocol, its variables by name. Servers take them with two elements of
// one key, for ever, from everybody but server-side apply, which cannot say which of
// the two it means. What apply cannot write is created, or updated, as it is: all
// elements in their order.

// Nor can apply write what the YAML reader of the server does not take, since a
// request for an apply is YAML whatever its form: keys of more than 1,024 characters.

// cannotApply reports whether apply refuses the object, or the one that is live, for
// elements of one key or as unreadable. It would do so each time, the first as an
// internal error.
func cannotApply(err error) bool { return sharesKeys(err) || isUnreadableYAML(err) }

func sharesKeys(err error) bool { return mentions(err, "duplicate entries for key") }

// isUnreadableYAML knows what old and new servers say.
func isUnreadableYAML(err error) bool {
	return mentions(err, "error decoding YAML") || mentions(err, "error converting YAML to JSON")
}

// write applies the request, or writes it in another way where apply cannot.
func (w *worker) write(ctx context.Context, a *stepResult, request Request) (Applied, error) {
	answer, refusal := w.send(ctx, a, request)
	if !cannotApply(refusal) {
		return answer, refusal
	}

	err := w.readAndWrite(ctx, a, func() (err error) {
		answer, err = w.writeComplete(ctx, a, request, refusal)
		return err
	})
	return answer, err
}

// writeComplete creates the object, or replaces the one that is live.
func (w *worker) writeComplete(ctx context.Context, a *stepResult, request Request, refusal error) (Applied, error) {
	live, err := w.live(ctx, a)
	switch {
	case err != nil:
		return Applied{}, err
	case live == nil && request.Status:
		return Applied{}, refusal
	case live == nil:
		request.By = ByCreate
		return w.send(ctx, a, request)
	case len(differences(request.Content, live)) == 0 && ownsNoMore(request.Content, live):
		// Of a create whose answer was lost, or of another client that wrote the same.
		return Applied{Identity: identityOf(live)}, nil
	case !request.Force:
		return Applied{}, fmt.Errorf("%w: %w", ErrDiffers, refusal)
	}

	request.By, request.Content = ByUpdate, over(live, request.Content)
	if !request.Status {
		request.Content = with(request.Content, updatedByUs(live), "metadata", "managedFields")
	}
	answer, err := w.send(ctx, a, request)
	// The times of managers count seconds; what is sent here is always a change.
	answer.Applied += " updated"
	answer.AppliedStatus += " updated"
	return answer, err
}

// over lays the content over what is live: maps are joined, all else is replaced.
// The resource version of the live object stays, so that no other write is lost.
func over(live, content map[string]any) map[string]any {
	out := make(map[string]any, len(live)+len(content))
	for key, value := range live {
		out[key] = value
	}
	for key, value := range content {
		inner, isMap := value.(map[string]any)
		below, wasMap := live[key].(map[string]any)
		if isMap && wasMap {
			value = over(below, inner)
		}
		out[key] = value
	}
	return out
}
