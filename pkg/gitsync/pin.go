//go:build unix

package gitsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/tempfile"
)

const (
	// pinRefs are refs that keep commits for as long as somebody builds on them. Nothing
	// pushes or clones them.
	pinRefs = "refs/appbur/pins/"
	// pinFile begins the names of the files that say whether the owner of a pin lives:
	// he has it locked.
	pinFile = "appbur-pin"
)

// Pin keeps a commit, and all that it leads to, from being pruned, by us or by stock
// git, although the tag that leads to it may be deleted meanwhile. What is found there
// after Pin has returned stays until Release. A pin whose process dies is removed by
// the next writer.
type Pin struct {
	repo *Repository
	ref  string
	id   Hash
	file *os.File
}

// Pin pins a commit. The caller looks afterwards whether what led him to the commit is
// still there: if it is, nothing of the commit can have been pruned in between.
func (r *Repository) Pin(ctx context.Context, commit Hash) (*Pin, error) {
	file, err := tempfile.Create(r.dir, pinFile)
	if err != nil {
		return nil, pack.DiskError(r.dir, fmt.Errorf("pin: %w", err))
	}
	p := &Pin{repo: r, ref: pinRefOf(file.Name()), id: commit, file: file}

	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, errors.Join(err, p.forget())
	}
	defer unlock()
	if _, err := r.ReadCommit(commit); err != nil {
		return nil, errors.Join(fmt.Errorf("pin: %w", err), p.forget())
	}
	if err := r.refs.Move(ctx, p.ref, Hash{}, commit); err != nil {
		return nil, errors.Join(pack.DiskError(r.dir, fmt.Errorf("pin: %w", err)), p.forget())
	}
	return p, nil
}

func pinRefOf(file string) string {
	return pinRefs + strings.TrimPrefix(filepath.Base(file), pinFile+"_")
}

// Release lets the commit go. If it cannot, the next writer does.
func (p *Pin) Release(ctx context.Context) error {
	unlock, err := p.repo.lock(ctx)
	if err != nil {
		return errors.Join(err, p.file.Close())
	}
	defer unlock()
	if err := p.repo.refs.Delete(ctx, map[string]Hash{p.ref: p.id}); err != nil {
		return errors.Join(fmt.Errorf("release pin: %w", err), p.file.Close())
	}
	return p.forget()
}

func (p *Pin) forget() error {
	return errors.Join(os.Remove(p.file.Name()), p.file.Close())
}

// removeAbandonedPins removes the pins of dead processes. The caller holds the writer
// lock.
func (r *Repository) removeAbandonedPins(ctx context.Context) error {
	refs, err := r.refs.List(pinRefs)
	if err != nil {
		return err
	}
	gone := map[string]Hash{}
	for ref, text := range refs {
		hash, err := ParseHash(text)
		if err == nil && ownerIsDead(filepath.Join(r.dir, pinFile+"_"+strings.TrimPrefix(ref, pinRefs))) {
			gone[ref] = hash
		}
	}
	if len(gone) > 0 {
		if err := r.refs.Delete(ctx, gone); err != nil {
			return fmt.Errorf("remove the pins of dead processes: %w", err)
		}
	}

	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("remove the pins of dead processes: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), pinFile+"_") {
			continue
		}
		if err := tempfile.RemoveUnowned(filepath.Join(r.dir, entry.Name())); err != nil {
			return fmt.Errorf("remove the pins of dead processes: %w", err)
		}
	}
	return nil
}

// ownerIsDead reports whether no process has a file locked.
func ownerIsDead(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer func() { _ = file.Close() }()
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
