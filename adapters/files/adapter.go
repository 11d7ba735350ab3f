package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Adapter is the chosen files of a directory as an application.
type Adapter struct {
	config Config
	root   *os.Root
	lock   *os.File
	// commits keeps exports out while an import renames files.
	commits sync.RWMutex
	// copies names the files that snapshots are copied to.
	copies atomic.Int64
	// users and groups are those of the operating system.
	users, groups accounts
}

var (
	_ contract.App     = (*Adapter)(nil)
	_ contract.Readier = (*Adapter)(nil)
)

// ErrLocked means that another process serves the same directory.
var ErrLocked = errors.New("another adapter serves this directory")

// stageHint is for whoever runs the adapter on files that they may only read.
const stageHint = "the adapter needs to write below root also to export: it copies files to " + stageDir +
	" there; give its user that right"

// Open opens the directory, and finishes the commit of an import that a crash
// interrupted. [Adapter.Close] releases the directory.
func Open(config Config) (_ *Adapter, err error) {
	root, err := os.OpenRoot(config.root)
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("opening the root of the files: %w", err),
			"root: in the configuration names the directory of the files; it must be there, and the adapter must be allowed to enter it")
	}
	a := &Adapter{config: config, root: root, users: systemUsers(), groups: systemGroups()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := root.Mkdir(stageDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, appbur.WithHint(fmt.Errorf("making the directory in which files wait: %w", err), stageHint)
	}

	if a.lock, err = root.OpenFile(stageDir+"/lock", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, appbur.WithHint(fmt.Errorf("locking %s: %w", config.root, err), stageHint)
	}
	err = syscall.Flock(int(a.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, appbur.WithHint(fmt.Errorf("locking %s: %w", config.root, ErrLocked), "stop the other process, or choose another root")
	}

	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("locking %s: %w", config.root, err),
			"the root must lie on a file system that knows flock(2): two adapters on it could not be distinguished")
	}
	if err := finish(root); err != nil {
		return nil, appbur.WithHint(fmt.Errorf("finishing an import that was interrupted: %w", err),
			"run the adapter as the user that imported; what the import replaces and brings waits in "+stageDir+" below root until then")
	}
	return a, nil
}

// Close releases the directory.
func (a *Adapter) Close() error {
	if a.lock == nil {
		return a.root.Close()
	}
	return errors.Join(a.lock.Close(), a.root.Close())
}

// Datasets describes what is exported and imported.
func (a *Adapter) Datasets() []contract.Dataset {
	all := make([]contract.Dataset, len(a.config.datasets))
	for i, d := range a.config.datasets {
		all[i] = d.Dataset
	}
	return all
}

// Ready reports whether the directory is there.
func (a *Adapter) Ready(context.Context) error {
	if _, err := os.Stat(a.config.root); err != nil {
		return appbur.WithHint(contract.NewError(contract.ReasonBackendUnavailable, "looking at the root of the files: %w", err),
			appbur.FileHint(err))
	}
	return nil
}

func (a *Adapter) dataset(name string) (*dataset, error) {
	for i := range a.config.datasets {
		if d := &a.config.datasets[i]; d.Name == name {
			return d, nil
		}
	}
	return nil, contract.NewError(contract.ReasonUnknownDataset, "there is no dataset %s", name)
}

// list finds the files of a dataset. A file that several datasets choose belongs to
// the first of them.
func (a *Adapter) list(d *dataset) ([]entry, error) {
	all, err := d.list(a.root)
	if err != nil {
		return nil, err
	}
	own := all[:0]
	for _, e := range all {
		if a.owner(e.path) == d {
			own = append(own, e)
		}
	}
	return own, nil
}

// owner returns the dataset that a path belongs to, or nil.
func (a *Adapter) owner(path string) *dataset {
	for i := range a.config.datasets {
		if d := &a.config.datasets[i]; d.has(path) {
			return d
		}
	}
	return nil
}
