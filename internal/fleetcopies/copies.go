package fleetcopies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/appbur/appbur/internal/backoff"
)

// Copies are in a directory.
type Copies struct {
	dir  string
	most int64
	now  func() time.Time
}

// The names of the files of one copy go on so.
const (
	copySuffix = ".git"
	lockSuffix = ".lock"
)

// Open makes the directory if it is not there. Most is how many bytes the copies may have together.
func Open(dir string, most int64, now func() time.Time) (*Copies, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory for copies: %w", err)
	}
	return &Copies{dir: dir, most: most, now: now}, nil
}

// place is where the copy of a URL is, without its suffix.
func (c *Copies) place(url string) string {
	sum := sha256.Sum256([]byte(url))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16]))
}

// askAgain is how often a lock is tried that another process has.
const askAgain = 50 * time.Millisecond

// lock waits until no other process uses a copy. The lock is given back when the file is closed, also by the death of its
// holder.
func lock(ctx context.Context, place string) (*os.File, error) {
	for {
		file, err := tryLock(place)
		if err != nil || file != nil {
			return file, err
		}
		if err := backoff.Sleep(ctx, askAgain); err != nil {
			return nil, fmt.Errorf("another process uses the copy: %w", err)
		}
	}
}

// tryLock returns nil where another process has the lock.
func tryLock(place string) (*os.File, error) {
	file, err := os.OpenFile(place+lockSuffix, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking a copy: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return nil, file.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking a copy: %w", err), file.Close())
	}

	// Whoever took the copy away may have taken the file as well, so that another process has another one.
	now, err := os.Stat(place + lockSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, file.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking a copy: %w", err), file.Close())
	}
	if own, err := file.Stat(); err != nil || !os.SameFile(own, now) {
		return nil, file.Close()
	}
	return file, nil
}
