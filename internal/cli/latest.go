package cli

import (
	"errors"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// isLatest reports whether a name means the newest point.
func isLatest(name string) bool { return name == repository.Latest || name == repository.LatestPartial }

// latest finds the newest point that counts, and refuses it while newer ones are known
// that were taken away: an older one must not pass for the newest.
func (o *repositoryOptions) latest(e *env, repo *repository.Repository, keys, name string) (repository.PointRef, error) {
	var trusted []byte
	if !o.skipSignatures {
		var err error
		if trusted, err = keyring.TrustRoot(keys, o.trust); err != nil {
			return repository.PointRef{}, err
		}
	}
	anchor, err := o.readAnchor()
	if err != nil {
		return repository.PointRef{}, err
	}

	ref, passed, none := repo.ResolveLatest(name, trusted)
	if none != nil && !errors.Is(none, repository.ErrNoPoint) && !errors.Is(none, repository.ErrUntrusted) {
		return ref, none
	}
	err = repo.CheckLatest(ref, keys, anchor)
	switch {
	case errors.Is(err, repository.ErrRewritten) && o.accept:
		e.warn("%s; going on, because of --accept-history", oneLine(err.Error()))
	case err != nil:
		return ref, err
	}
	for _, p := range passed {
		e.warn("%s is %s although a newer one exists: %s", name, ref.ID, oneLine(p.Err.Error()))
	}
	return ref, none
}
