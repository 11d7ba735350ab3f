package repository

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/retention"
)

// kept are the ids of the points that a policy keeps.
func kept(t *testing.T, policy retention.Policy, points []appbur.RestorePoint) (ids []string) {
	checked, err := policy.Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range checked.Decide(points) {
		if v.Keep {
			ids = append(ids, string(v.Point.ID))
		}
	}
	return ids
}

// One backup under a clock that is years ahead must not be latest for years, nor push
// out what comes after it, whether main moved since or not.
func TestAClockThatJumpedIsSurvived(t *testing.T) {
	for _, changes := range []bool{false, true} {
		f := newFixture(t)
		right := f.time
		first := f.mark("a")
		step := func(at time.Time) appbur.RestorePointID {
			f.time = at
			if changes {
				f.change(at.String())
			}
			return f.mark("a")
		}
		future := step(time.Date(2038, 1, 19, 3, 0, 0, 0, time.UTC))
		past := step(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC))
		next := step(right.Add(30 * time.Hour))
		last := step(right.Add(54 * time.Hour))

		want := []appbur.RestorePointID{last, next, past, future, first}
		all, err := f.repo.Catalog(f.trusted())
		if err != nil {
			t.Fatal(err)
		}
		var got, wrong []appbur.RestorePointID
		for i, ref := range all.Refs {
			got = append(got, ref.ID)
			if all.Misdated[i] {
				wrong = append(wrong, ref.ID)
			}
		}
		if !slices.Equal(got, want) || !slices.Equal(wrong, []appbur.RestorePointID{past, future}) {
			t.Errorf("changes %v: the order is %v, misdated are %v", changes, got, wrong)
		}
		if ref, err := f.repo.Resolve(Latest); err != nil || ref.ID != last {
			t.Errorf("changes %v: latest is %s, %v", changes, ref.ID, err)
		}

		// What carries a wrong time takes no day from the others, and is kept.
		days := kept(t, retention.Policy{Daily: 3}, all.Points)
		if !slices.Equal(days,
			strings.Fields(strings.Join([]string{string(last), string(next), string(past), string(future), string(first)}, " "))) {
			t.Errorf("changes %v: kept are %v", changes, days)
		}
		// By number it counts as the point that it is.
		if newest := kept(t, retention.Policy{Last: 1}, all.Points[1:]); !slices.Contains(newest, string(next)) {
			t.Errorf("changes %v: kept are %v", changes, newest)
		}
		if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{future, past}, f.trusted(), false); err != nil {
			t.Error(err)
		}
		if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{first, next, last}, f.trusted(), false); !errors.Is(err, ErrLastGood) {
			t.Error(err)
		}
	}
}
