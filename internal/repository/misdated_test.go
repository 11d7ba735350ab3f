package repository

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

func TestMisdated(t *testing.T) {
	for _, test := range []struct {
		name string
		// times are the days of points, newest first by history.
		times string
		want  string
	}{
		{"in order", "2026-11-22 2026-11-21 2026-11-20", ""},
		{"one ahead", "2026-11-22 2038-01-19 2026-11-20", "2038-01-19"},
		{"one ahead, and only one after it", "2026-11-22 2038-01-19", "2038-01-19"},
		{"one behind", "2026-11-22 1970-01-01 2026-11-20", "1970-01-01"},
		{"behind for a while", "2026-11-22 1970-01-02 1970-01-01 2026-11-20 2026-11-19", "1970-01-02 1970-01-01"},
		{"the newest is ahead, nothing shows it", "2038-01-19 2026-11-20", ""},
		{"two machines overlap", "2026-11-20 2026-11-21 2026-11-20", ""},
		{"none", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var points []appbur.RestorePoint
			for day := range strings.FieldsSeq(test.times) {
				at, err := time.Parse(time.DateOnly, day)
				if err != nil {
					t.Fatal(err)
				}
				points = append(points, pointAt(at, 0, ""))
			}

			var got []string
			for i, wrong := range misdated(points) {
				if wrong {
					got = append(got, points[i].Created.Format(time.DateOnly))
				}
			}

			if strings.Join(got, " ") != test.want {
				t.Errorf("misdated are %v, want %s", got, test.want)
			}
		})
	}
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
		kept := ids(mustRetention(t, Retention{Daily: 3}).Decide(all.Points), true)
		if !slices.Equal(kept,
			strings.Fields(strings.Join([]string{string(last), string(next), string(past), string(future), string(first)}, " "))) {
			t.Errorf("changes %v: kept are %v", changes, kept)
		}
		// By number it counts as the point that it is.
		if kept := ids(mustRetention(t, Retention{Last: 1}).Decide(all.Points[1:]), true); !slices.Contains(kept, string(next)) {
			t.Errorf("changes %v: kept are %v", changes, kept)
		}
		if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{future, past}, f.trusted(), false); err != nil {
			t.Error(err)
		}
		if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{first, next, last}, f.trusted(), false); !errors.Is(err, ErrLastGood) {
			t.Error(err)
		}
	}
}

func TestClockNotice(t *testing.T) {
	newest := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		now    time.Time
		notice string
	}{
		{newest, ""},
		{newest.Add(-30 * time.Second), ""},
		{newest.Add(-2 * time.Minute), "went back"},
		{newest.Add(100 * 24 * time.Hour), ""},
		{newest.Add(12 * 365 * 24 * time.Hour), "is it right"},
	} {
		got := ClockNotice(test.now, newest)
		if (got == "") != (test.notice == "") || !strings.Contains(got, test.notice) {
			t.Errorf("%s: %q", test.now, got)
		}
	}

	if got := ClockNotice(newest, time.Time{}); got != "" {
		t.Errorf("without a point: %q", got)
	}
}
