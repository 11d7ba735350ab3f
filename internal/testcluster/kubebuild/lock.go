//go:build unix

package kubebuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockInterval is how often a waiting build looks again.
const lockInterval = 200 * time.Millisecond

// lock takes the lock file of a directory, waiting for as long as ctx allows.
// waiting is called once if somebody else holds it. The system gives the lock
// back when its holder dies, however it dies.
func lock(ctx context.Context, dir string, waiting func()) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	ticker := time.NewTicker(lockInterval)
	defer ticker.Stop()

	for first := true; ; first = false {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = file.Close() }, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			_ = file.Close()
			return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("wait for another build to finish: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}
