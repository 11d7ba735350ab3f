package cli

import (
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

// knownApps opens the repository and finds the applications that its points know, and
// the newest of these points.
func (o *repositoryOptions) knownApps(e *env) (*repository.Repository, []repository.KnownApp, appbur.RestorePoint, error) {
	var newest appbur.RestorePoint
	repo, err := o.open()
	if err != nil {
		return nil, nil, newest, err
	}
	keys, err := o.judgeKeys(e, repo)
	if err != nil {
		return nil, nil, newest, err
	}
	trusted, err := o.trustRoot(e, keys)
	if err != nil {
		return nil, nil, newest, err
	}
	all, err := e.catalog(repo, trusted)
	if err != nil {
		return nil, nil, newest, err
	}
	e.warnRejected(all)
	if len(all.Points) > 0 {
		newest = all.Points[0]
	}

	// Whoever can push must not make the others believe that nothing is missing.
	retired := repo.Config().Retired()
	if err := repo.CheckPolicy(trusted); err != nil {
		e.warnWithHint("what it calls retired does not count: "+err.Error(), hintOf(err))
		retired = nil
	}
	return repo, repository.KnownApps(all.Points, retired), newest, nil
}

// findApp finds an application by NAMESPACE/NAME, or by its name if only one has it.
func findApp(known []repository.KnownApp, text string) (repository.KnownApp, error) {
	var found []repository.KnownApp
	names := make([]string, len(known))
	for i, app := range known {
		names[i] = app.String()
		if app.String() == text || app.Name == text {
			found = append(found, app)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return repository.KnownApp{}, &usageError{appbur.WithHint(fmt.Errorf("%d applications are called %s", len(found), text),
			"name one with its namespace, for example "+found[0].String())}
	}

	hint := "`appbur apps list` shows which there are"
	if near := closest(text, names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return repository.KnownApp{}, &notFoundError{appbur.WithHint(fmt.Errorf("%w: %s", repository.ErrUnknownApp, text), hint)}
}
