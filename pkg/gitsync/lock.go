//go:build unix

package gitsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/appbur/appbur"
)

const (
	lockFile            = "appbur.lock"
	maintenanceLockFile = "appbur-maintenance.lock"
	// lockInterval is how often a waiting writer looks again.
	lockInterval = 20 * time.Millisecond
)

// lock makes this the only writer of the repository, among the goroutines of
// this process and among all processes. The system gives the lock back when its
// holder dies, so there are no stale locks; the pid in the file is for people.
func (r *Repository) lock(ctx context.Context) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(r.dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, storageError(r.dir, fmt.Errorf("lock repository: %w", err))
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	switch err := r.waitForLock(ctx, file); {
	case errors.Is(err, errLockWait):
		return nil, r.lockedBy(file)
	case err != nil:
		return nil, fmt.Errorf("lock repository: %w", err)
	}
	if err := file.Truncate(0); err != nil {
		return nil, fmt.Errorf("lock repository: %w", err)
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return nil, storageError(r.dir, fmt.Errorf("lock repository: %w", err))
	}
	if err := r.recoverRefLock(); err != nil {
		return nil, err
	}
	if !r.swept.Load() {
		if err := removeAbandoned(r.objects.packDir()); err != nil {
			return nil, err
		}
		if err := r.removeAbandonedPins(ctx); err != nil {
			return nil, err
		}
		r.swept.Store(true)
	}
	return func() { _ = file.Close() }, nil
}

// waitForLock locks a file. If it waited long enough the error is errLockWait.
func (r *Repository) waitForLock(ctx context.Context, file *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.lockWait, errLockWait)
	defer cancel()
	ticker := time.NewTicker(lockInterval)
	defer ticker.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errLockWait) {
				return errLockWait
			}
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// lockMaintenance makes this the only one who takes packs away. Writers that only
// add packs go on. Another maintenance is waited for only as long as a writer
// takes that rolls up, and not at all if wait is false; then it is [ErrLocked].
func (r *Repository) lockMaintenance(ctx context.Context, wait bool) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(r.dir, maintenanceLockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock maintenance: %w", err)
	}
	if wait {
		err = r.waitForLock(ctx, file)
	} else {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil {
		return func() { _ = file.Close() }, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, errLockWait) {
		return nil, appbur.WithHint(fmt.Errorf("maintenance of %s: %w by another one", r.dir, ErrLocked), "wait until it has finished")
	}
	return nil, fmt.Errorf("lock maintenance: %w", err)
}

var errLockWait = errors.New("waited long enough")

func (r *Repository) lockedBy(file *os.File) error {
	holder := "another process"
	var pid [16]byte
	if n, _ := file.ReadAt(pid[:], 0); n > 0 {
		holder = "process " + strings.TrimSpace(string(pid[:n]))
	}
	return appbur.WithHint(fmt.Errorf("%s: %w by %s", r.dir, ErrLocked, holder), "wait until the other appbur has finished, or end it")
}
