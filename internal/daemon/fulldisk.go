package daemon

import (
	"time"

	"github.com/appbur/appbur/internal/backoff"
)

// roomBackoff is between tries to commit on a disk that is full.
var roomBackoff = backoff.Backoff{First: 2 * time.Second, Most: 15 * time.Second}

// waitForRoom has a commit that found no room tried again. To end would cost what was gathered, and the metrics and the
// readiness that tell of the disk; a restart finds the same disk.
func (c *collector) waitForRoom(err error) {
	delay := roomBackoff.Delay(c.withoutRoom)
	c.withoutRoom++
	c.options.Log.Error("the disk is full; what was seen is kept, and the commit is tried again", "reason", err.Error(),
		"hint", c.options.Hint(err), "again", delay)
	time.AfterFunc(delay, c.touch)
}
