package repository

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// CreateWith makes a repository in a new or empty directory, with keys that there are. Whoever has the identity of one of
// the recipients that the key directory names can decrypt. The repository appears complete or not at all.
func CreateWith(ctx context.Context, dir string, keys *keyring.Keys, random io.Reader, now func() time.Time) error {
	id, err := newID(random)
	if err != nil {
		return err
	}
	recipients, err := keyring.Recipients(keys.Dir)
	if err != nil {
		return err
	}
	if _, err := seal.NewSealer(recipients, keys.FingerprintKey(), random, now); err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := durable.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("creating a repository: %w", err)
	}
	build, err := os.MkdirTemp(parent, ".appbur-begin-")
	if err != nil {
		return fmt.Errorf("creating a repository: %w", err)
	}
	defer func() { _ = os.RemoveAll(build) }()

	made := filepath.Join(build, "repository")
	git, err := gitsync.Init(made)
	if err != nil {
		return err
	}
	r := &Repository{git: git, dir: made, config: Config{Format: ConfigFormat, Repository: id, Recipients: recipients}}
	if err := r.begin(ctx, keys, now()); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("creating a repository: %w", err)
	}
	if err := os.Rename(made, dir); err != nil {
		return fmt.Errorf("creating a repository: %w", err)
	}
	if err := durable.SyncDir(parent); err != nil {
		return fmt.Errorf("creating a repository: %w", err)
	}
	_ = r.Remember(keys.Dir, r.tip, now()) // a mounted Secret remembers nothing
	return nil
}
