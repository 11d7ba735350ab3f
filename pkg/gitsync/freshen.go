//go:build unix

package gitsync

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freshen sets the time of a pack to now, as git does before it relies on an
// object that exists already: a prune spares what is young. The clock is that of
// the file system.
func freshen(p *pack) error {
	if err := touch(p.path); err != nil {
		return fmt.Errorf("make pack young: %w", err)
	}
	return nil
}

func touch(path string) error { return unix.UtimesNanoAt(unix.AT_FDCWD, path, nil, 0) }
