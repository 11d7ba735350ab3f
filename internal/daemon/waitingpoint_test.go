package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
)

// far are remotes that are away until a time.
type far struct {
	until time.Time
	tries int
}

func (f *far) replicate(context.Context, appbur.RestorePointID) error {
	f.tries++
	if time.Now().Before(f.until) {
		return errors.New("0 of 2 remotes hold it")
	}
	return nil
}

// A point that remotes do not hold does not count: it is pushed again until they do, and no other one is made for it
// before the next is due.
func TestAPointThatIsNotPushedIsPushedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{until: time.Now().Add(100 * time.Minute)}
		d := &diary{replicate: f.replicate}
		time.Sleep(10 * time.Minute)
		var points *Points
		got := d.run(t, 165*time.Minute, PointOptions{Schedules: schedules(t, "hourly=0 * * * *"), Replicate: f.replicate},
			func(p *Points) { points = p })
		wantEntries(t, got, "01T00:10:00 hourly", "01T01:00:00 hourly", "01T02:00:00 hourly")
		log := d.log.String()
		if !strings.Contains(log, "is not durable: too few remotes hold it") || strings.Count(log, "the restore point is durable now") != 1 {
			t.Errorf("the log says\n%s", log)
		}
		if f.tries < 80 || f.tries > 120 || points.waiting != nil {
			t.Errorf("%d tries, %+v", f.tries, points.waiting)
		}
	})
}

// A point of an earlier run, which may have ended too early, is made sure of.
func TestAPointOfAnEarlierRunIsMadeSureOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{until: time.Now().Add(time.Minute)}
		d := &diary{}
		d.run(t, 5*time.Minute, PointOptions{Replicate: f.replicate, Unsure: "20261121T030238Z"}, nil)
		if log := d.log.String(); !strings.Contains(log, "point=20261121T030238Z") || !strings.Contains(log, "the restore point is durable now") {
			t.Errorf("the log says\n%s", log)
		}
	})
}

// Who asks for a point is told that it is not where it has to be.
func TestWhoAsksIsToldThatAPointIsNotPushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{until: time.Now().Add(time.Minute)}
		d := &diary{replicate: f.replicate}
		d.run(t, 5*time.Minute, PointOptions{Replicate: f.replicate}, func(p *Points) {
			made, err := p.Ask(t.Context())
			if err != nil || made.Unreplicated == nil || made.Replicated {
				t.Errorf("%+v, %v", made, err)
			}
			time.Sleep(2 * time.Minute)
			if made, err := p.Ask(t.Context()); err != nil || made.Unreplicated != nil || !made.Replicated {
				t.Errorf("%+v, %v", made, err)
			}
		})
	})
}
