package repository

import (
	"time"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// SeenMain is the name under which the tip of main is remembered in a key directory.
const SeenMain = "main"

// Remember notes the tip of main as seen, in the key directory. The directory must
// exist.
func (r *Repository) Remember(dir string, tip gitsync.Hash, at time.Time) error {
	return r.remember(dir, SeenMain, tip, at)
}

// remember notes a commit under a name.
func (r *Repository) remember(dir, name string, tip gitsync.Hash, at time.Time) error {
	list, err := keyring.ReadSeen(dir)
	if err != nil {
		return err
	}
	fresh := keyring.Seen{Name: name, Commit: tip, At: at, Repository: string(r.config.Repository)}

	found := false
	for i, s := range list {
		if s.Name != name {
			continue
		}
		if s.Commit == tip && s.Repository == fresh.Repository {
			return nil
		}
		list[i], found = fresh, true
	}

	if !found {
		list = append(list, fresh)
	}
	return keyring.WriteSeen(dir, list)
}
