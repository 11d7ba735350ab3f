package gitsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/format"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/refs"
)

// MainRef is the branch that [Init] makes HEAD point at.
const MainRef = "refs/heads/main"

// lockWait is how long a writer waits for another one. A commit takes far less.
const lockWait = 10 * time.Second

// Repository is an open bare repository. It is safe for concurrent use, by
// goroutines and by processes.
type Repository struct {
	dir      string
	objects  *pack.Store
	refs     *refs.Store
	lockWait time.Duration
	// spillSize is how much new content each edit holds in memory.
	spillSize int
	// swept is set when abandoned files were removed once.
	swept atomic.Bool
	// fence is asked whether this process may write, nil if it may in any case.
	fence func(context.Context) error
	// precious means that its owner forbids to delete objects.
	precious bool
}

// initialConfig is the configuration of a new repository. Ref updates are never
// forced by appbur, so pushes into the repository may not be forced either.
const initialConfig = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[receive]
	denyNonFastForwards = true
`

// Init makes a bare repository whose HEAD is the branch main. The directory may
// exist if it is empty; otherwise the error is [ErrExists]. The repository
// appears complete or not at all.
func Init(dir string) (*Repository, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	if len(entries) > 0 {
		return nil, appbur.WithHint(fmt.Errorf("create repository: %s %w", dir, ErrExists), "choose a new or empty directory")
	}

	parent := filepath.Dir(filepath.Clean(dir))
	if err := durable.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	build, err := os.MkdirTemp(parent, ".appbur-init-")
	if err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	defer func() { _ = os.RemoveAll(build) }()
	if err := writeSkeleton(build); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	reserve(build)

	// Remove takes an empty directory away and no other.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	if err := os.Rename(build, dir); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	if err := durable.SyncDir(parent); err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	return Open(dir)
}

func writeSkeleton(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	dirs := []string{"objects", "objects/pack", "objects/info", "refs", "refs/heads", "refs/tags", "."}
	for _, name := range dirs {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"HEAD": "ref: " + MainRef + "\n", "config": initialConfig} {
		err := durable.Restage(filepath.Join(dir, name), 0o644, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
		if err != nil {
			return err
		}
	}

	// Without the bytes of HEAD and config, and the names of directories, a repository
	// is none after a crash, whatever is in its packs.
	for _, name := range dirs {
		if err := durable.SyncDir(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// Open opens a bare repository. What is not one is [ErrNoRepository]; what this
// package would misread is [ErrUnsupported].
func Open(dir string) (*Repository, error) {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		_, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, format.NoRepository(dir)
		}
		if err != nil {
			return nil, fmt.Errorf("open repository: %w", err)
		}
	}
	precious, limits, err := format.Read(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	objects, err := pack.OpenStore(filepath.Join(dir, "objects"), limits)
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	r := &Repository{dir: dir, objects: objects, lockWait: lockWait, spillSize: spillSize, precious: precious}
	r.refs = &refs.Store{Dir: dir, Limits: limits, LockWait: lockWait, WithRoom: r.WithRoom}
	return r, nil
}

// Dir returns the directory of the repository.
func (r *Repository) Dir() string { return r.dir }
