package logfile

import (
	"slices"
	"testing"
	"time"
)

// What was taken in the last looks is taken again after a restart, through rotation as well, and not more than that.
func TestWhatWasTakenLastIsTakenAgain(t *testing.T) {
	l := newLog(t)
	l.options.Every, l.options.Again = time.Second, 3*time.Second
	l.restart()
	for range 10 {
		l.write(1)
		l.look()
	}
	l.rename("audit-2026-11-30T12-00-00.000.log")
	l.write(1)
	l.look()
	l.write(1)

	before := len(l.taken.lines)
	l.restart()
	l.look()
	l.all()
	again := l.taken.lines[before:]
	if first := slices.Index(again, line(9)); first < 0 || len(again) > 8 {
		t.Errorf("taken again: %d lines, the third before the end at %d", len(again), first)
	}
}

// A log that was followed for a short time only is read again from its start, or as a new one if it is long.
func TestAllIsTakenAgainAtFirst(t *testing.T) {
	for _, before := range []int64{0, 1000} {
		l := newLog(t)
		l.options.Every, l.options.Again, l.options.Before = time.Second, time.Minute, before
		l.restart()
		l.write(5)
		l.look()
		taken := len(l.taken.lines)
		l.restart()
		l.look()
		if again := len(l.taken.lines) - taken; again != taken {
			t.Errorf("%d of %d lines were taken again", again, taken)
		}
	}
}
