//go:build unix

package pack

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// freshen sets the time of a pack to now, as git does before it relies on an
// object that exists already: a prune spares what is young. The clock is that of
// the file system.
func freshen(p *Pack) error {
	if err := touch(p.Path); err != nil {
		return fmt.Errorf("make pack young: %w", err)
	}
	return nil
}

func touch(path string) error { return unix.UtimesNanoAt(unix.AT_FDCWD, path, nil, 0) }

// fileSystemTime makes a file young and returns its time, which is now by the clock of the file
// system. It needs no room.
func fileSystemTime(path string) (time.Time, error) {
	if err := touch(path); err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, errors.Join(ErrVanished, err)
	}
	return info.ModTime(), nil
}
