package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// identity is the author and committer of everything that appbur writes when no
// person is proven to be behind a change. The address is of a domain that
// RFC 2606 keeps from ever existing, so that it belongs to no cluster.
var identity = gitsync.Person{Name: "appbur", Email: "appbur@appbur.invalid"}

// Repository is an open repository.
type Repository struct {
	git    *gitsync.Repository
	dir    string
	config Config
	// tip is the commit of main that config was read from.
	tip gitsync.Hash
}

// Created says what [Create] made.
type Created struct {
	Dir, KeysDir, Identity, Recipient string
}

// Create makes a bare repository with an appbur.yaml in it, and the keys that
// belong to it: in keysDir, or below keysRoot in a directory named after the
// repository's random id when keysDir is empty. Further recipients can decrypt
// as well.
func Create(ctx context.Context, dir, keysDir, keysRoot string, recipients []string, random io.Reader, now func() time.Time) (_ Created,
	err error,
) {
	id, err := newID(random)
	if err != nil {
		return Created{}, err
	}
	config := Config{Format: ConfigFormat, Repository: id}
	if keysDir == "" {
		keysDir = filepath.Join(keysRoot, string(id))
	}

	for i, r := range recipients {
		if slices.Contains(recipients[:i], r) {
			return Created{}, appbur.WithHint(fmt.Errorf("the recipient %s is named twice", r), "name each recipient once")
		}
	}

	if len(recipients) > 0 {
		// A recipient that cannot be used would stop the first backup only.
		if _, err := seal.NewSealer(recipients, make([]byte, seal.FingerprintKeySize), random, now); err != nil {
			return Created{}, err
		}
	}

	// Both places are looked at before either is written to.
	if err := keyring.Vacant(keysDir); err != nil {
		return Created{}, err
	}
	git, err := gitsync.Init(dir)
	if err != nil {
		if errors.Is(err, gitsync.ErrExists) {
			return Created{}, appbur.WithHint(err, "choose another directory; an existing repository is never replaced")
		}
		return Created{}, err
	}

	// Half of it would stand in the way of the next try.
	var made []string
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
			keyring.Discard(made)
		}
	}()

	recipient, made, err := keyring.Create(keysDir, random)
	if err != nil {
		return Created{}, err
	}
	config.Recipients = append([]string{recipient}, recipients...)
	keys, err := keyring.Load(keysDir)
	if err != nil {
		return Created{}, err
	}
	r := &Repository{git: git, dir: dir, config: config}
	if err := r.begin(ctx, keys, now()); err != nil {
		return Created{}, err
	}
	if err := r.Remember(keysDir, r.tip, now()); err != nil {
		return Created{}, err
	}
	return Created{Dir: dir, KeysDir: keysDir, Identity: keyring.IdentityPath(keysDir, ""), Recipient: recipient}, nil
}

// begin makes the first commit.
func (r *Repository) begin(ctx context.Context, keys *keyring.Keys, at time.Time) error {
	encoded, err := r.config.encode()
	if err != nil {
		return err
	}
	edit, err := r.git.Edit(gitsync.Hash{})
	if err != nil {
		return err
	}
	if _, err := edit.Put(appbur.RepositoryFile, encoded); err != nil {
		return err
	}
	r.tip, err = r.git.Commit(ctx, gitsync.MainRef, edit, gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: at, Signer: keys.Signer(),
		Subject: "Begin the history of a cluster",
	})
	return err
}

// ErrForeign means that a Git repository is not one that appbur made.
var ErrForeign = errors.New("no appbur repository")

func foreign(dir string, err error) error {
	return because(ReasonForeign, fmt.Errorf("%w: %s: %w", ErrForeign, dir, err))
}

// Open opens a repository and reads its configuration from the tip of main.
func Open(dir string) (*Repository, error) {
	git, err := gitsync.Open(dir)
	if err != nil {
		return nil, err
	}
	tip, err := git.Tip(gitsync.MainRef)
	if err != nil {
		return nil, foreign(dir, err)
	}

	snapshot, err := git.Snapshot(tip)
	if err != nil {
		return nil, err
	}
	data, err := snapshot.ReadDescription(appbur.RepositoryFile)
	if err != nil {
		return nil, foreign(dir, err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return &Repository{git: git, dir: dir, config: config, tip: tip}, nil
}

// Dir returns where the repository is.
func (r *Repository) Dir() string { return r.dir }

// Config returns the configuration at the tip of main when it was opened or
// last written.
func (r *Repository) Config() Config { return r.config }

// Git returns the Git repository below, for reading its history.
func (r *Repository) Git() *gitsync.Repository { return r.git }

// Fence has confirm asked before each write whether this process may still write; see [gitsync.Repository.Fence].
func (r *Repository) Fence(confirm func(context.Context) error) { r.git.Fence(confirm) }

// Settle waits until nobody is in the middle of a write to this directory.
func (r *Repository) Settle(ctx context.Context) error { return r.git.Settle(ctx) }
