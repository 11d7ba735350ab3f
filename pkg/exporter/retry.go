package exporter

import (
	"context"
	"hash/fnv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// pauses says how long to wait between tries: first, then twice as long each time,
// never more than most. tries bounds the number of tries.
type pauses struct {
	first, most time.Duration
	tries       int
}

func (p pauses) after(try int) time.Duration {
	pause := p.first
	for range try {
		if pause *= 2; pause >= p.most {
			return p.most
		}
	}
	return pause
}

// timing holds every pause of an exporter, so that tests need not wait.
type timing struct {
	// request separates tries of one request.
	request pauses
	// relist separates tries to list a type that cannot be read.
	relist pauses
	// reconnect separates tries to continue a watch.
	reconnect pauses
	// outage is how long a watch is tried again before the type counts as failed.
	outage time.Duration
	// away is how long connections fail before the server is asked whether it is there.
	away time.Duration
	// brief is how long a watch must last to count as one that worked.
	brief time.Duration
	// replaced is how long a server must be away at least to come back with another
	// store. It is more than handing a connection over to another server takes, and
	// less than stopping and starting servers does.
	replaced time.Duration
	// afterChange are the pauses between questions to discovery after a definition
	// has changed: discovery lags behind by some seconds, more with several servers.
	afterChange []time.Duration
}

var usualTiming = timing{
	request:     pauses{first: 250 * time.Millisecond, most: 8 * time.Second, tries: 6},
	relist:      pauses{first: time.Second, most: time.Minute},
	reconnect:   pauses{first: 250 * time.Millisecond, most: 10 * time.Second},
	outage:      30 * time.Second,
	away:        2 * time.Second,
	brief:       5 * time.Second,
	replaced:    2 * time.Second,
	afterChange: []time.Duration{300 * time.Millisecond, 2 * time.Second, 4 * time.Second, 8 * time.Second},
}

// first returns the pauses of the first requests of a run. They give up sooner,
// because a wrong address is likelier there than a server that restarts.
func (t timing) first() pauses {
	p := t.request
	p.tries = min(p.tries, 3)
	return p
}

// retry calls do until it succeeds, fails for good, or the tries are used up. A
// pause that the server asks for is obeyed when it is longer.
func retry(ctx context.Context, p pauses, do func(context.Context) error) error {
	for try := 0; ; try++ {
		err := do(ctx)
		if err == nil || ctx.Err() != nil || !isPassing(err) || try+1 >= p.tries {
			return err
		}
		if err := sleep(ctx, max(p.after(try), asked(err))); err != nil {
			return err
		}
	}
}

// asked returns the pause that the server wants, bounded by what is reasonable.
func asked(err error) time.Duration {
	seconds, ok := apierrors.SuggestsClientDelay(err)
	if !ok {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Minute)
}

// sleep waits, or returns the error of the context when it ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// spread stretches a duration by up to a half, by a fixed share for each name, so
// that the watches of many types do not all come back in the same moment.
func spread(d time.Duration, name string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return d + d/2*time.Duration(h.Sum32()%1024)/1024
}
