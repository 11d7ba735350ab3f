package cli

import (
	"log/slog"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// writeAnchor writes the requested anchor after a backup. If it cannot be
// written, the restore point is there all the same, and that is done in part.
func (o *repositoryOptions) writeAnchor(e *env, repo *repository.Repository, keys *keyring.Keys) error {
	if o.anchor == "" {
		return nil
	}
	if _, _, err := repo.WriteAnchor(o.anchor, keys, e.now()); err != nil {
		e.warn("the restore point is made, its anchor is not: %v (%s)", err, hintOf(err))
		return errPartly
	}
	return nil
}

// anchorEach writes an anchor after each commit, if one is requested at the moment. The next
// commit tries again.
func anchorEach(e *env, path func() string, repo *repository.Repository, keys *keyring.Keys, log *slog.Logger) func(repository.Outcome) {
	return func(repository.Outcome) {
		if path() == "" {
			return
		}
		if _, _, err := repo.WriteAnchor(path(), keys, e.now()); err != nil {
			log.Error("the anchor was not written", "reason", err.Error(), "hint", hintOf(err))
		}
	}
}
