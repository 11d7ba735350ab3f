package restore

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
)

// A conversion is for targets that do not take what was saved. A cluster that has the object
// in its saved form, such as the one that it was saved from, is right as it is: to convert it
// there would be a change that nobody asked for, and mostly a conflict with its owner.

// original is an object that the plan converts, in the form in which it was saved.
type original struct {
	object     appbur.ObjectID
	apiVersion string
	content    Content
}

// getter reads an object at a version.
type getter func(ctx context.Context, id appbur.ObjectID, apiVersion string) (map[string]any, error)

// unlikeSaved returns those differences between a converted object and the live one that are
// no difference to what was saved either. asSaved reports whether some were. Where the saved
// version is another one, the object is read at that version, too, if the target serves it;
// then it is the one form or the other, whichever it is closer to.
func unlikeSaved(ctx context.Context, step *Step, found []difference, live map[string]any, get getter) ([]difference, bool, error) {
	saved := step.Details().original
	if saved == nil || len(found) == 0 {
		return found, false, nil
	}

	if saved.object == step.Object && saved.apiVersion == step.APIVersion {
		var rest []difference
		content := saved.content.Object()
		for _, d := range found {
			was, is := lookup(content, d.path), lookup(live, d.path)
			if !has(content, d.path) || !has(live, d.path) || len(differences(was, is)) > 0 {
				rest = append(rest, d)
			}
		}
		return rest, len(rest) < len(found), nil
	}

	old, err := get(ctx, saved.object, saved.apiVersion)
	switch {
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case errors.Is(err, ErrNotServed) || apierrors.IsNotFound(err) || apierrors.IsForbidden(err):
		return found, false, nil
	case err != nil:
		return nil, false, err
	}
	if text(old, "metadata", "uid") != text(live, "metadata", "uid") {
		return found, false, nil // another object of that name in the old group
	}
	rest := differences(saved.content.Object(), old)
	for _, d := range found {
		if strings.HasPrefix(formatPath(d.path), "metadata.ownerReferences") {
			rest = append(rest, d) // the plan alone knows the owners
		}
	}
	if len(rest) < len(found) {
		return rest, true, nil
	}
	return found, false, nil
}
