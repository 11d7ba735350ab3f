package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/schedule"
)

// diary is a maker of points that notes when it was asked for what. A bubble of synctest begins on
// 2000-01-01 at midnight UTC.
type diary struct {
	mu      sync.Mutex
	entries []string
	takes   time.Duration
	// fails is how many tries come to nothing.
	fails int
	clock func() time.Time
	log   strings.Builder
	// replicate is asked about each point, nil where points count in any case.
	replicate func(context.Context, appbur.RestorePointID) error
}

func (d *diary) make(ctx context.Context, schedules []string) (PointMade, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := strings.Join(schedules, "+")
	if names == "" {
		names = "asked"
	}
	d.entries = append(d.entries, d.clock().UTC().Format("02T15:04:05 ")+names)
	time.Sleep(d.takes)
	if d.fails > 0 {
		d.fails--
		return PointMade{}, errors.New("the application is away")
	}
	var made PointMade
	if d.replicate != nil {
		made.Unreplicated = d.replicate(ctx, made.ID)
		made.Replicated = made.Unreplicated == nil
	}
	return made, ctx.Err()
}

func schedules(t *testing.T, texts ...string) (list []*schedule.Schedule) {
	t.Helper()
	for _, text := range texts {
		name, cron, _ := strings.Cut(text, "=")
		s, err := schedule.New(schedule.Spec{Name: name, Cron: cron}, "")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// run lets points be made for so long and returns what was made when.
func (d *diary) run(t *testing.T, span time.Duration, o PointOptions, script func(*Points)) []string {
	t.Helper()
	if d.clock == nil {
		d.clock = time.Now
	}
	o.Make, o.Now, o.Log = d.make, d.clock, slog.New(slog.NewTextHandler(&d.log, nil))
	points := NewPoints(o)
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { points.Run(ctx) })
	if script != nil {
		script(points)
	}
	running.Wait()
	return d.entries
}

func wantEntries(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

// The first point is made at once, the next ones when they are due, and one serves all schedules that
// are due at the same time.
func TestPointsAreMadeWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{takes: time.Second}
		time.Sleep(21*time.Hour + 10*time.Minute)
		got := d.run(t, 4*time.Hour, PointOptions{Schedules: schedules(t, "hourly=0 * * * *", "nightly=0 0 * * *")}, nil)
		wantEntries(t, got,
			"01T21:10:00 hourly+nightly", "01T22:00:00 hourly", "01T23:00:00 hourly", "02T00:00:00 hourly+nightly", "02T01:00:00 hourly")
	})
}

// What was due while nothing ran is made once, after a start and after a point that took long; points
// never overlap.
func TestMissedPointsAreMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := PointOptions{Schedules: schedules(t, "hourly=0 * * * *"), Made: map[string]time.Time{"hourly": time.Now().Add(-3 * time.Hour)}}
		d := &diary{takes: 150 * time.Minute}
		time.Sleep(10 * time.Minute)
		got := d.run(t, 4*time.Hour+45*time.Minute, o, nil)
		wantEntries(t, got, "01T00:10:00 hourly", "01T02:40:00 hourly")
		if log := d.log.String(); !strings.Contains(log, "restore points were missed; one is made now") ||
			!strings.Contains(log, "since=1999-12-31T22:00:00Z") {
			t.Errorf("the log says\n%s", log)
		}
	})
}

func TestAScheduleThatWasServedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		last := time.Now()
		time.Sleep(10 * time.Minute)
		got := d.run(t, time.Hour, PointOptions{Schedules: schedules(t, "hourly=0 * * * *"), Made: map[string]time.Time{"hourly": last}}, nil)
		wantEntries(t, got, "01T01:00:00 hourly")
	})
}

// A point that could not be made is tried again, less and less often, and what comes due
// meanwhile goes with it.
func TestAPointThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{fails: 4}
		time.Sleep(50 * time.Minute)
		got := d.run(t, time.Hour, PointOptions{Schedules: schedules(t, "hourly=0 * * * *")}, nil)
		wantEntries(t, got, "01T00:50:00 hourly", "01T00:51:00 hourly", "01T00:53:00 hourly", "01T00:57:00 hourly", "01T01:05:00 hourly")
		if log := d.log.String(); !strings.Contains(log, "the application is away") || !strings.Contains(log, "again=8m0s") {
			t.Errorf("the log says\n%s", log)
		}
	})
}

// Who asks gets a point of its own, after the one that is being made, also without any
// schedule; a schedule is not served by it.
func TestAPointIsMadeForWhoAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{takes: 10 * time.Minute}
		time.Sleep(5 * time.Minute)
		asked := func(p *Points) {
			time.Sleep(time.Minute)
			if _, err := p.Ask(t.Context()); err != nil {
				t.Error(err)
			}
		}
		got := d.run(t, time.Hour, PointOptions{Schedules: schedules(t, "hourly=0 * * * *")}, asked)
		wantEntries(t, got, "01T00:05:00 hourly", "01T00:15:00 asked", "01T01:00:00 hourly")
	})

	synctest.Test(t, func(t *testing.T) {
		d := &diary{fails: 1}
		got := d.run(t, time.Hour, PointOptions{}, func(p *Points) {
			if _, err := p.Ask(t.Context()); err == nil || !strings.Contains(err.Error(), "the application is away") {
				t.Errorf("who asked is told %v", err)
			}
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := p.Ask(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("who does not wait is told %v", err)
			}
		})
		if len(got) == 0 || got[0] != "01T00:00:00 asked" {
			t.Errorf("made were %q", got)
		}
	})
}

// A clock that is set, forward or back, loses no schedule.
func TestAClockThatIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var offset time.Duration
		set := func(by time.Duration) { mu.Lock(); offset += by; mu.Unlock() }
		d := &diary{clock: func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(offset) }}

		o := PointOptions{Schedules: schedules(t, "hourly=0 * * * *"), Made: map[string]time.Time{"hourly": time.Now()}}
		got := d.run(t, 2*time.Hour+30*time.Minute, o, func(*Points) {
			time.Sleep(10*time.Minute + time.Second)
			set(5 * time.Hour) // 05:10
			time.Sleep(time.Hour)
			set(-48 * time.Hour) // two days ago, 06:10
		})
		wantEntries(t, got, "01T05:10:30 hourly", "01T06:00:00 hourly", "30T07:00:00 hourly")
		if log := d.log.String(); strings.Count(log, "the clock was set back") != 1 {
			t.Errorf("the log says\n%s", log)
		}
	})
}

func TestPointsOfManySchedulesAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var texts []string
		for i := range 5 {
			texts = append(texts, fmt.Sprintf("s%d=@daily", i))
		}
		d := &diary{}
		wantEntries(t, d.run(t, time.Hour, PointOptions{Schedules: schedules(t, texts...)}, nil), "01T00:00:00 s0+s1+s2+s3+s4")
	})
}
