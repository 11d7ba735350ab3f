package retention

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

// Each schedule counts its own points: the hourly ones take no day from the nightly ones, a point of
// both stays as long as one of them keeps it, and points that somebody asked for have the usual policy.
func TestPoliciesOfSchedules(t *testing.T) {
	var points []appbur.RestorePoint
	start := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for hour := range 60 {
		point := pointAt(start.Add(time.Duration(hour)*time.Hour), 0, "")
		point.Schedules = []string{"hourly"}
		if hour%24 == 0 {
			point.Schedules = []string{"hourly", "nightly"}
		}
		points = append(points, point)
	}
	for hour := range 3 {
		points = append(points, pointAt(start.Add(time.Duration(hour)*time.Hour+30*time.Minute), 0, ""))
	}

	policies := mustCheck(t, Policy{Last: 1, Schedules: map[string]Policy{"hourly": {Hourly: 3}, "nightly": {Daily: 2}}})
	got := map[string]string{}
	for _, v := range policies.Decide(newestFirst(points)) {
		if v.Keep {
			got[string(v.Point.ID)] = strings.Join(v.Reasons, "; ")
		}
	}
	want := map[string]string{
		"20261130T110000Z": "hourly: hourly: newest of its hour 2026-11-30T11+0000; always: the newest good state of the cluster",
		"20261130T100000Z": "hourly: hourly: newest of its hour 2026-11-30T10+0000",
		"20261130T090000Z": "hourly: hourly: newest of its hour 2026-11-30T09+0000",
		"20261130T000000Z": "nightly: daily: newest of its day 2026-11-30",
		"20261129T000000Z": "nightly: daily: newest of its day 2026-11-29",
		"20261128T023000Z": "last: one of the newest",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestPointsWithoutAPolicyStay(t *testing.T) {
	at := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	mine, other := pointAt(at, 0, ""), pointAt(at.Add(-time.Hour), 0, "")
	other.Schedules = []string{"gone"}
	policy := mustCheck(t, Policy{Schedules: map[string]Policy{"hourly": {Last: 1}}})
	for _, v := range policy.Decide([]appbur.RestorePoint{mine, other}) {
		if !v.Keep || !slices.Contains(v.Reasons, "no policy counts for it") {
			t.Errorf("%s: keep %t, %q", v.Point.ID, v.Keep, v.Reasons)
		}
	}
}

// Of points without a schedule a policy says what it says without schedules; the newest good state
// stays, and when what may go is gone the same points are kept again.
func TestPoliciesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points, usual := newestFirst(drawPoints(t)), drawPolicy(t)
		alone := mustCheck(t, usual)
		usual.Schedules = map[string]Policy{"a": drawPolicy(t), "b": drawPolicy(t)}
		policies := mustCheck(t, usual)
		if diff := cmp.Diff(ids(alone.Decide(points), true), ids(policies.Decide(points), true)); diff != "" {
			t.Fatalf("of points of no schedule it decides otherwise:\n%s", diff)
		}

		for i := range points {
			points[i].Schedules = rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"c"}}).Draw(t, "schedules")
		}
		verdicts := policies.Decide(points)
		for _, at := range NewestGood(points) {
			if !verdicts[at].Keep {
				t.Fatalf("%s may go, the newest good state", points[at].ID)
			}
		}

		var left []appbur.RestorePoint
		for _, v := range verdicts {
			if v.Keep {
				left = append(left, v.Point)
			}
		}
		if gone := ids(policies.Decide(left), false); len(gone) > 0 {
			t.Fatalf("when what may go is gone, %q may go too", gone)
		}
	})
}

func TestPoliciesOfSchedulesAreChecked(t *testing.T) {
	for want, policy := range map[string]Policy{
		"schedule a: retention policy: it keeps nothing":                    {Last: 1, Schedules: map[string]Policy{"a": {}}},
		"schedule a: retention policy: daily: -1 is less than 0":            {Schedules: map[string]Policy{"a": {Daily: -1}}},
		"schedule a: retention policy: the time zone \"Mars\" is not known": {Schedules: map[string]Policy{"a": {Daily: 1, Zone: "Mars"}}},
		"retention policy: schedule a: a schedule has no schedules of its own": {
			Schedules: map[string]Policy{"a": {Daily: 1, Schedules: map[string]Policy{"b": {}}}},
		},
		"retention policy: the time zone \"Mars\" is not known": {Zone: "Mars", Schedules: map[string]Policy{"a": {Daily: 1}}},
	} {
		if _, err := policy.Check(); !errors.Is(err, ErrPolicy) || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}
