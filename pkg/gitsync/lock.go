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

	"golang.org/x/sys/unix"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

const (
	lockFile            = "appbur.lock"
	maintenanceLockFile = "appbur-maintenance.lock"
)

// lock makes this the only writer of the repository, among the goroutines of
// this process and among all processes. The system gives the lock back when its
// holder dies, so there are no stale locks; the pid in the file is for people.
func (r *Repository) lock(ctx context.Context) (unlock func(), err error) {
	file, err := r.holdLock(ctx, lockFile)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()

	if err := r.mayWrite(ctx); err != nil {
		return nil, err
	}
	if err := r.refs.RecoverLocks(); err != nil {
		return nil, err
	}
	if !r.swept.Load() {
		if err := pack.RemoveAbandoned(r.objects.PackDir()); err != nil {
			return nil, err
		}
		if err := r.removeAbandonedPins(ctx); err != nil {
			return nil, err
		}
		r.swept.Store(true)
	}
	return func() { _ = file.Close() }, nil
}

// holdLock locks a file of the repository until it is closed, and says in it who did.
func (r *Repository) holdLock(ctx context.Context, name string) (_ *os.File, err error) {
	file, err := os.OpenFile(filepath.Join(r.dir, name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, pack.DiskError(r.dir, fmt.Errorf("lock repository: %w", err))
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
	// A full disk does not keep anybody out: freeing it needs the lock as well.
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil && !isNoSpace(err) {
		return nil, pack.DiskError(r.dir, fmt.Errorf("lock repository: %w", err))
	}
	return file, nil
}

// waitForLock locks a file. If it waited long enough the error is errLockWait. The
// system queues those who wait, so a writer that comes again and again does not push
// the others aside.
func (r *Repository) waitForLock(ctx context.Context, file *os.File) error {
	err := flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}

	// Nothing can end the call that waits. It has a descriptor of its own, so when the
	// caller gives up and closes the file, a lock that comes later is given back at once.
	waiting, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	locked := make(chan error, 1)
	go func() {
		locked <- flock(waiting, unix.LOCK_EX)
		_ = unix.Close(waiting)
	}()

	ctx, cancel := context.WithTimeoutCause(ctx, r.lockWait, errLockWait)
	defer cancel()
	select {
	case err := <-locked:
		return err
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), errLockWait) {
			return errLockWait
		}
		return ctx.Err()
	}
}

// flock calls flock(2) until no signal interrupts it.
func flock(fd, how int) error {
	for {
		if err := unix.Flock(fd, how); !errors.Is(err, unix.EINTR) {
			return err
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
		err = flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		return func() { _ = file.Close() }, nil
	}
	_ = file.Close()
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, errLockWait) {
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
