package repository

import (
	"time"
)

// The files of notes lie beside the Git repository's own, where nothing that is pushed
// or fetched reaches. They can be lost: what the repository and its remotes hold is what counts.

// pushesFile says when each remote last held everything.
const pushesFile = "appbur-pushes.json"

func (r *Repository) readPushes() (map[string]time.Time, error) {
	pushes := map[string]time.Time{}
	err := r.readNote(pushesFile, &pushes)
	return pushes, err
}

// LastPushes returns when each remote last held everything, of those that ever did.
func (r *Repository) LastPushes() (map[string]time.Time, error) { return r.readPushes() }

// notePushes remembers which remotes held everything at a time. Points and pushes of one second are told apart.
func (r *Repository) notePushes(results []PushResult, at time.Time) error {
	pushes, err := r.readPushes()
	if err != nil {
		return err
	}
	changed := false
	for _, result := range results {
		if result.err == nil {
			pushes[result.Remote] = at.UTC().Truncate(time.Millisecond)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return r.writeNote(pushesFile, pushes)
}

func (r *Repository) forgetPush(name string) error {
	pushes, err := r.readPushes()
	if err != nil {
		return err
	}
	delete(pushes, name)
	return r.writeNote(pushesFile, pushes)
}
