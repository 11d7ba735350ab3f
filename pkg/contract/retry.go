package contract

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
)

// patience decides how often a broken stream is taken up again. Attempts that
// bring something are not counted: a payload may take as many connections as it
// needs, as long as each carries a part of it.
type patience struct {
	attempts int
	wait     time.Duration
	// chunk is the longest chunk of the next attempt. A connection that dies before
	// a whole chunk came brings nothing, so chunks get shorter until one does.
	chunk int
}

const (
	firstWait   = 50 * time.Millisecond
	longestWait = 5 * time.Second
	// shortestChunk is how short chunks get.
	shortestChunk = 4 << 10
	// fruitless is how many attempts in a row may bring nothing: with the waits
	// between them about half a minute, the restart of an application.
	fruitless = 12
)

// again waits before the next attempt and reports whether there is to be one.
func (p *patience) again(ctx context.Context, progressed bool) bool {
	if progressed {
		p.attempts, p.wait = 0, 0
	} else {
		p.chunk = max(p.chunk/4, shortestChunk)
	}
	p.attempts++
	if p.attempts > fruitless {
		return false
	}
	p.wait = min(max(2*p.wait, firstWait), longestWait)
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// reconnect waits until there is a connection again, as long as one attempt may take.
// grpc would wait between its own attempts as if it served thousands of callers.
func (c *Client) reconnect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	c.conn.ResetConnectBackoff()
	c.conn.Connect()
	for state := c.conn.GetState(); state != connectivity.Ready && state != connectivity.TransientFailure; state = c.conn.GetState() {
		if !c.conn.WaitForStateChange(ctx, state) {
			return
		}
	}
}

// cut reports whether a call ended because the connection did, and not because the
// application said so: then the same call may be made again. The application's own
// answers carry a reason, even those that may be retried; whether to do so is the
// caller's decision.
func cut(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Reason != "" {
		return false
	}
	switch e.Code {
	// A stream that is reset shows as one of these, depending on the moment.
	case codes.Unavailable, codes.Internal, codes.Unknown, codes.Canceled:
		return true
	default:
		return false
	}
}
