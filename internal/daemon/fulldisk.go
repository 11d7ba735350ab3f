package daemon

import (
	"errors"
	"time"

	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/gitsync"
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

// onceThereIsRoom has a change taken in, and waits for as long as the disk has no room for what is too much for the memory. That
// holds up the watch of the type that it is of: what comes after is at the API server until then.
func (c *collector) onceThereIsRoom(take func() error) error {
	for tries := 0; ; tries++ {
		err := take()
		if !errors.Is(err, gitsync.ErrNoSpace) {
			return err
		}
		delay := roomBackoff.Delay(tries)
		if tries == 0 {
			c.options.Log.Error("the disk is full, and no more is read of a type until there is room", "reason", err.Error(),
				"hint", c.options.Hint(err))
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-c.ended:
			timer.Stop()
			return err
		}
	}
}
