package contracttest

import (
	"context"
	"regexp"
	"time"
)

// Config says what to check, and how thoroughly. The zero value of every field but
// Start is a good one.
type Config struct {
	// Start brings up an application that holds at least one row. It is called
	// once per case; see [InProcess] and [At].
	Start func(ctx context.Context) (*Instance, error)
	// Older are payloads of older releases, for the cases about compatibility.
	Older []Payload
	// Run, when set, selects cases by their ids.
	Run *regexp.Regexp
	// Strict makes a required case that was not run, for want of a hook or of
	// golden payloads, a failure of [Run].
	Strict bool
	// Exempt names required cases that have nothing to be about in this application,
	// each with the reason, for example IMP-026 of one that creates nothing itself. They
	// are reported as not applicable instead of not run. What can be run is run all
	// the same: an exemption hides no failure.
	Exempt map[string]string
	// Name says what a field of [Instance] or of this type is called where the user sets
	// it, for example "--kill-cmd" for Kill. When it is nil fields go by their names.
	Name func(field string) string
	// Timeout bounds each case. Zero means one minute; cases that need longer by
	// their nature add what they need.
	Timeout time.Duration
	// Repeat is how often calls that must be idempotent are repeated. Zero means 10.
	Repeat int
	// Silence is how long a stream may be silent (EXP-015). Zero means the 15
	// seconds of the contract; the case lasts a little longer than that.
	Silence time.Duration
	// Slow is how long EXP-014 reads slowly. Zero means 2 seconds; what a slow line
	// does in an hour it begins to do in seconds.
	Slow time.Duration
	// Idle is how long NET-005 pings an idle connection, for example 10 minutes.
	// Below four pings no server objects. Zero skips the case.
	Idle time.Duration
	// Ping is how far apart those pings are. Zero means 21 seconds: the contract
	// allows them every 20.
	Ping time.Duration
	// Many is how many exports NET-010 makes. Zero means 1000.
	Many int
	// Fuzz is how many wrong requests NET-007 and NET-008 send. Zero means 300.
	Fuzz int
	// Cuts is how many connections NET-011 cuts. Zero means 20.
	Cuts int
}

// The defaults.
const (
	defaultTimeout = time.Minute
	defaultRepeat  = 10
	defaultSilence = 15 * time.Second
	defaultSlow    = 2 * time.Second
	defaultPing    = 21 * time.Second
	defaultMany    = 1000
	defaultFuzz    = 300
	defaultCuts    = 20
)

func (c Config) withDefaults() Config {
	orInt := func(n *int, otherwise int) {
		if *n <= 0 {
			*n = otherwise
		}
	}
	orTime := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}

	orTime(&c.Timeout, defaultTimeout)
	orInt(&c.Repeat, defaultRepeat)
	orTime(&c.Silence, defaultSilence)
	orTime(&c.Slow, defaultSlow)
	orTime(&c.Ping, defaultPing)
	orInt(&c.Many, defaultMany)
	orInt(&c.Fuzz, defaultFuzz)
	orInt(&c.Cuts, defaultCuts)
	return c
}

// Payload is what a release of the application exported.
type Payload struct {
	// Release names it in messages, for example "1.0".
	Release  string
	Datasets []PayloadDataset
}

// PayloadDataset is one dataset of a payload.
type PayloadDataset struct {
	Name, Schema string
	// Data is the payload, one row per line.
	Data []byte
	// Want is what the application must export after the import; nil when only its
	// own answer is compared.
	Want []byte
	// Drops says that the current release cannot keep everything in it. Drops that
	// GetInfo declares for fields that the payload has need not be said here.
	Drops bool
}
