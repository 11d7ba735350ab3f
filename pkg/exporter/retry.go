package exporter

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur/internal/backoff"
)

// timing holds every delay of an exporter, so that tests need not wait.
type timing struct {
	// request separates tries of one request.
	request backoff.Backoff
	// relist separates tries to list a type that cannot be read.
	relist backoff.Backoff
	// rediscover separates tries of a discovery that fails or has holes.
	rediscover backoff.Backoff
	// reconnect separates tries to continue a watch.
	reconnect backoff.Backoff
	// outage is how long a watch is tried again before the type counts as failed.
	outage time.Duration
	// away is how long connections fail before the server is probed.
	away time.Duration
	// brief is how long a watch must last to count as one that worked.
	brief time.Duration
	// replaced is how long a server must be away at least to come back with another
	// store. It is more than handing a connection over to another server takes, and
	// less than stopping and starting servers does.
	replaced time.Duration
	// afterChange are the delays between questions to discovery after a definition
	// has changed: discovery lags behind by some seconds, more with several servers.
	afterChange []time.Duration
}

var usualTiming = timing{
	request:     backoff.Backoff{First: 250 * time.Millisecond, Most: 8 * time.Second, Tries: 6},
	relist:      backoff.Backoff{First: time.Second, Most: time.Minute},
	rediscover:  backoff.Backoff{First: time.Second, Most: time.Minute},
	reconnect:   backoff.Backoff{First: 250 * time.Millisecond, Most: 10 * time.Second},
	outage:      30 * time.Second,
	away:        2 * time.Second,
	brief:       5 * time.Second,
	replaced:    2 * time.Second,
	afterChange: []time.Duration{300 * time.Millisecond, 2 * time.Second, 4 * time.Second, 8 * time.Second},
}

// first returns the backoff of the first requests of a run. They give up sooner,
// because a wrong address is likelier there than a server that restarts.
func (t timing) first() backoff.Backoff {
	b := t.request
	b.Tries = min(b.Tries, 3)
	return b
}

// retry calls do until it succeeds, fails for good, or the tries are used up. A
// delay that the server requests is used when it is longer.
func retry(ctx context.Context, b backoff.Backoff, do func(context.Context) error) error {
	for try := 0; ; try++ {
		err := do(ctx)
		if err == nil || ctx.Err() != nil || !isPassing(err) || try+1 >= b.Tries {
			return err
		}
		if err := backoff.Sleep(ctx, max(b.Delay(try), retryAfter(err))); err != nil {
			return err
		}
	}
}

// retryAfter returns the delay that the server requests, bounded by what is reasonable.
func retryAfter(err error) time.Duration {
	seconds, ok := apierrors.SuggestsClientDelay(err)
	if !ok {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Minute)
}
