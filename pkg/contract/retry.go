package contract

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"

	"github.com/appbur/appbur/internal/backoff"
)

// streamBackoff is between the attempts in a row that bring nothing: together about
// half a minute, the restart of an application.
var streamBackoff = backoff.Backoff{First: 50 * time.Millisecond, Most: 5 * time.Second, Tries: 12}

// shortestChunk is how short chunks get.
const shortestChunk = 4 << 10

// retries decides how often a broken stream is taken up again. Attempts that bring
// something are not counted: a payload may take as many connections as it needs, as long
// as each carries a part of it.
type retries struct {
	fruitless int
	// chunk is the longest chunk of the next attempt. A connection that dies before
	// a complete chunk came brings nothing, so chunks get shorter until one does.
	chunk int
}

// again waits before the next attempt and reports whether there is to be one.
func (r *retries) again(ctx context.Context, progressed bool) bool {
	if progressed {
		r.fruitless = 0
	} else {
		r.chunk = max(r.chunk/4, shortestChunk)
	}
	if r.fruitless == streamBackoff.Tries {
		return false
	}

	delay := streamBackoff.Delay(r.fruitless)
	r.fruitless++
	return backoff.Sleep(ctx, delay) == nil
}

// reconnect waits until there is a connection again, as long as one attempt may take.
// grpc would wait between its own attempts as if it served thousands of callers.
func (c *Client) reconnect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, streamBackoff.Most)
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
