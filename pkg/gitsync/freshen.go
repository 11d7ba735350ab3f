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
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, p.path, nil, 0); err != nil {
		return fmt.Errorf("make pack young: %w", err)
	}
	return nil
}
