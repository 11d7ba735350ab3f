package daemon

import (
	"context"
	"time"
)

// settle waits until nothing has happened for a while, within the limit.
func (c *collector) settle(ctx context.Context) {
	began := c.options.Now()
	limit := time.NewTimer(c.options.Limit)
	defer limit.Stop()
	quiet := time.NewTimer(c.options.Quiet)
	defer quiet.Stop()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()

	for {
		c.doing(stepGathering)
		select {
		case <-beat.C:
		case <-c.touched:
			quiet.Reset(c.options.Quiet)
		case pace := <-c.options.Paces:
			c.keep(pace)
			quiet.Reset(pace.Quiet)
			limit.Reset(pace.Limit - c.options.Now().Sub(began))
		case <-quiet.C:
			if !c.halfway() {
				return
			}
			quiet.Reset(c.options.Quiet)
		case <-limit.C:
			if !c.halfway() {
				return
			}
			limit.Reset(c.options.Limit)
		case <-ctx.Done():
			return
		}
	}
}

// halfway reports whether a commit would begin the history with a part of the cluster.
func (c *collector) halfway() bool { return c.options.First && c.options.Status.Listed() != nil }

// askEvery is how often it is looked whether the actors of all changes are known.
const askEvery = 100 * time.Millisecond

// awaitActors waits until it is known who made the changes, for a while: audit events come a moment after the changes that they are
// about. What comes later is noted beside the commits.
func (c *collector) awaitActors(ctx context.Context) {
	if c.options.Undecided == nil || c.options.Grace <= 0 || c.halfway() {
		return
	}
	grace := time.NewTimer(c.options.Grace)
	defer grace.Stop()
	ask := time.NewTicker(askEvery)
	defer ask.Stop()

	for c.options.Undecided() {
		c.doing(stepGathering)
		select {
		case <-ask.C:
		case <-grace.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
