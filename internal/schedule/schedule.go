package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // a schedule must mean the same in a container without zone files

	"github.com/robfig/cron/v3"

	"github.com/appbur/appbur"
)

// ErrSpec means that a schedule makes no sense.
var ErrSpec = errors.New("schedule")

// Spec says when points are due.
type Spec struct {
	// Name is written into the points: letters, digits, dots and dashes.
	Name string
	// Cron is an expression of five fields, or @daily and its like.
	Cron string
	// Zone is the time zone of the expression, a name of the IANA database. Empty is UTC.
	Zone string
	// Jitter is how much later than the expression says a point may be due. Each cluster has its own
	// delay below it.
	Jitter time.Duration
}

// DefaultName is that of a schedule without one.
const DefaultName = "default"

// Schedule is a [Spec] that makes sense.
type Schedule struct {
	spec  Spec
	times cron.Schedule
	zone  *time.Location
	delay time.Duration
}

// specName is what names of schedules look like: what a file name and a label can hold too.
var specName = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]{0,61}[a-z0-9])?$`)

// longestJitter bounds the delay: with a longer one nobody would recognise the expression.
const longestJitter = 24 * time.Hour

// New makes a schedule. The seed, for example the id of a cluster, decides the delay within the
// jitter.
func New(spec Spec, seed string) (*Schedule, error) {
	spec.Name = cmp.Or(spec.Name, DefaultName)
	if !specName.MatchString(spec.Name) {
		return nil, appbur.WithHint(fmt.Errorf("%w: %q is no name", ErrSpec, spec.Name),
			"use lower case letters, digits, dots and dashes, for example nightly")
	}
	if spec.Jitter < 0 || spec.Jitter > longestJitter {
		return nil, appbur.WithHint(fmt.Errorf("%w %s: a jitter of %s is not between 0 and %s", ErrSpec, spec.Name, spec.Jitter, longestJitter),
			"for example 10m")
	}
	zone, err := time.LoadLocation(cmp.Or(spec.Zone, "UTC"))
	if err != nil || spec.Zone == "Local" {
		return nil, appbur.WithHint(fmt.Errorf("%w %s: the time zone %q is not known", ErrSpec, spec.Name, spec.Zone),
			"use a name such as Europe/Berlin, or leave it out for UTC")
	}
	times, err := parse(spec)
	if err != nil {
		return nil, err
	}

	s := &Schedule{spec: spec, times: times, zone: zone}
	if spec.Jitter > 0 {
		hash := fnv.New64a()
		fmt.Fprintf(hash, "%s\x00%s", seed, spec.Name)
		s.delay = time.Duration(hash.Sum64() % uint64(spec.Jitter)).Truncate(time.Second)
	}
	return s, nil
}

func parse(spec Spec) (cron.Schedule, error) {
	const hint = "five fields: minute, hour, day of the month, month, day of the week, for example 30 2 * * *, or @hourly, @daily, @weekly, @every 6h"
	text := strings.TrimSpace(spec.Cron)
	// The library reads a time zone out of the expression, and panics on some that are cut short.
	if strings.Contains(text, "TZ=") {
		return nil, appbur.WithHint(fmt.Errorf("%w %s: %q names its time zone", ErrSpec, spec.Name, spec.Cron),
			"name the time zone beside the expression")
	}
	times, err := cron.ParseStandard(text)
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("%w %s: %q: %w", ErrSpec, spec.Name, spec.Cron, err), hint)
	}
	if _, every := times.(cron.ConstantDelaySchedule); !every && times.Next(anyDay).IsZero() {
		return nil, appbur.WithHint(fmt.Errorf("%w %s: %q is never due", ErrSpec, spec.Name, spec.Cron), hint)
	}
	return times, nil
}

// anyDay is where the search for a first time begins. What is not due in the five years after it,
// which have a leap day, never is.
var anyDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// Name is that of the schedule.
func (s *Schedule) Name() string { return s.spec.Name }

// String says what the schedule is, for people.
func (s *Schedule) String() string {
	text := fmt.Sprintf("%s: %s, %s", s.spec.Name, s.spec.Cron, s.zone)
	if s.delay > 0 {
		text += fmt.Sprintf(", %s later", s.delay)
	}
	return text
}

// Next is the first time after another at which a point is due.
func (s *Schedule) Next(after time.Time) time.Time {
	after = after.Add(-s.delay).In(s.zone)
	next := s.times.Next(after)

	// Times that do not exist are passed over by the library.
	for at := after; ; {
		_, change := at.ZoneBounds()
		if change.IsZero() || !change.Before(next) {
			break
		}
		if s.skipped(change) {
			next = change
			break
		}
		at = change
	}

	return next.Add(s.delay)
}

// skipped reports whether a time that is due is in the gap that a change of the clocks makes.
func (s *Schedule) skipped(change time.Time) bool {
	if _, every := s.times.(cron.ConstantDelaySchedule); every {
		return false
	}
	_, before := change.Add(-time.Second).In(s.zone).Zone()
	_, after := change.In(s.zone).Zone()
	if after <= before {
		return false
	}

	// The clocks go from one to the other; both are written as if they were UTC, which has no gaps.
	from := change.UTC().Add(time.Duration(before) * time.Second)
	to := change.UTC().Add(time.Duration(after) * time.Second)
	return s.wall().Next(from.Add(-time.Second)).Before(to)
}

// wall is the expression for times without a zone.
func (s *Schedule) wall() cron.Schedule {
	spec, isSpec := s.times.(*cron.SpecSchedule)
	if !isSpec {
		return s.times
	}
	naive := *spec
	naive.Location = time.UTC
	return &naive
}
