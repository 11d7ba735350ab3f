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
