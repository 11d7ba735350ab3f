package retention

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

func mustCheck(t interface{ Fatal(...any) }, p Policy) Policy {
	checked, err := p.Check()
	if err != nil {
		t.Fatal(err)
	}
	return checked
}

// pointAt is a point made at a time. Marks: "!" partial, letters are applications.
func pointAt(at time.Time, n int, marks string) appbur.RestorePoint {
	p := appbur.RestorePoint{ID: appbur.NewRestorePointID(at, n), Created: at}
	for _, mark := range marks {
		if mark == '!' {
			p.Partial = true
			continue
		}
		p.Apps = append(p.Apps, appbur.AppState{AppKey: appbur.AppKey{Namespace: "team", Name: string(mark)}})
	}
	return p
}

// newestFirst puts points in the order of their times.
func newestFirst(points []appbur.RestorePoint) []appbur.RestorePoint {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b appbur.RestorePoint) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	return sorted
}

func ids(verdicts []Verdict, keep bool) (list []string) {
	for _, v := range verdicts {
		if v.Keep == keep {
			list = append(list, string(v.Point.ID))
		}
	}
	return list
}

func TestPolicyDecides(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}

	for _, test := range []struct {
		name   string
		policy Policy
		points []appbur.RestorePoint
		keep   string
	}{
		{
			"the newest of each day that has one",
			Policy{Daily: 3},
			[]appbur.RestorePoint{
				pointAt(day("2026-11-21 12:00"), 0, ""), pointAt(day("2026-11-21 06:00"), 0, ""), pointAt(day("2026-11-20 12:00"), 0, ""),
				pointAt(day("2026-11-10 12:00"), 0, ""), pointAt(day("2026-11-09 12:00"), 0, ""),
			},
			"20261121T120000Z 20261120T120000Z 20261110T120000Z",
		},
		{
			"a complete point stands for its day before a newer partial one",
			Policy{Daily: 2},
			[]appbur.RestorePoint{
				pointAt(day("2026-11-21 12:00"), 0, "!"), pointAt(day("2026-11-21 06:00"), 0, ""),
				pointAt(day("2026-11-20 12:00"), 0, "!"),
			},
			"20261121T060000Z 20261120T120000Z",
		},
		{
			"the newest complete point stays however many partial ones follow",
			Policy{Last: 2},
			[]appbur.RestorePoint{
				pointAt(day("2026-11-21 12:00"), 0, "!"), pointAt(day("2026-11-20 12:00"), 0, "!"),
				pointAt(day("2026-11-19 12:00"), 0, ""), pointAt(day("2026-11-18 12:00"), 0, ""),
			},
			"20261121T120000Z 20261120T120000Z 20261119T120000Z",
		},
		{
			"an application that is gone keeps its last good state",
			Policy{Last: 1},
			[]appbur.RestorePoint{
				pointAt(day("2026-11-21 12:00"), 0, "a"), pointAt(day("2026-11-20 12:00"), 0, "ab!"),
				pointAt(day("2026-11-19 12:00"), 0, "b"), pointAt(day("2026-11-18 12:00"), 0, "b"), pointAt(day("2026-11-17 12:00"), 0, "c!"),
			},
			"20261121T120000Z 20261119T120000Z 20261117T120000Z",
		},
		{
			"days begin where the zone says",
			Policy{Daily: 9, Zone: "Asia/Tokyo"},
			[]appbur.RestorePoint{
				pointAt(day("2026-11-20 15:30"), 0, ""), pointAt(day("2026-11-20 14:30"), 0, ""),
				pointAt(day("2026-11-20 13:30"), 0, ""),
			},
			"20261120T153000Z 20261120T143000Z",
		},
		{
			"a week of two years is one week",
			Policy{Weekly: 9},
			[]appbur.RestorePoint{
				pointAt(day("2027-01-01 12:00"), 0, ""), pointAt(day("2026-12-29 12:00"), 0, ""),
				pointAt(day("2026-12-27 12:00"), 0, ""),
			},
			"20270101T120000Z 20261227T120000Z",
		},
		{
			"the hour that comes twice is two hours",
			Policy{Hourly: 9, Zone: "Europe/Berlin"},
			[]appbur.RestorePoint{
				pointAt(day("2026-10-25 01:30"), 0, ""), pointAt(day("2026-10-25 00:30"), 0, ""),
				pointAt(day("2026-10-25 00:10"), 0, ""),
			},
			"20261025T013000Z 20261025T003000Z",
		},
		{
			"points of one second are counted one by one",
			Policy{Last: 2},
			[]appbur.RestorePoint{
				pointAt(day("2026-10-25 01:30"), 0, ""), pointAt(day("2026-10-25 01:30"), 1, ""),
				pointAt(day("2026-10-25 01:30"), 2, ""),
			},
			"20261025T013000Z-2 20261025T013000Z-1",
		},
		{"nothing to keep", Policy{Yearly: 1}, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			verdicts := mustCheck(t, test.policy).Decide(newestFirst(test.points))
			if got := strings.Join(ids(verdicts, true), " "); got != test.keep {
				t.Errorf("keeps %s, want %s", got, test.keep)
			}
			for _, v := range verdicts {
				if len(v.Reasons) == 0 {
					t.Errorf("%s has no reason", v.Point.ID)
				}
			}
		})
	}
}

func TestPolicyIsChecked(t *testing.T) {
	for _, bad := range []Policy{{}, {Last: -1, Daily: 1}, {Last: 1, Zone: "Nowhere/At all"}, {Last: 1, Zone: "Local"}} {
		if _, err := bad.Check(); !errors.Is(err, ErrPolicy) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// drawPoints makes up points with all that a policy looks at.
func drawPoints(t *rapid.T) []appbur.RestorePoint {
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := map[appbur.RestorePointID]bool{}
	var points []appbur.RestorePoint
	for range rapid.IntRange(0, 40).Draw(t, "points") {
		// Close and far neighbours, so that buckets have one point and many.
		at := base.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "hours"))*20*time.Minute + time.Duration(rapid.IntRange(0, 800).Draw(t,
			"days"))*24*time.Hour)
		p := pointAt(at, rapid.IntRange(0, 2).Draw(t, "n"), rapid.SampledFrom([]string{"", "!", "a", "ab", "b!", "abc", "c!"}).Draw(t, "marks"))
		if !seen[p.ID] {
			seen[p.ID] = true
			points = append(points, p)
		}
	}
	return points
}

func drawPolicy(t *rapid.T) Policy {
	count := rapid.IntRange(0, 6)
	p := Policy{
		Last: count.Draw(t, "last"), Hourly: count.Draw(t, "hourly"), Daily: count.Draw(t, "daily"), Weekly: count.Draw(t, "weekly"),
		Monthly: count.Draw(t, "monthly"), Yearly: count.Draw(t, "yearly"),
		Zone: rapid.SampledFrom([]string{"", "Europe/Berlin", "America/St_Johns"}).Draw(t, "zone"),
	}
	if p.Last+p.Hourly+p.Daily+p.Weekly+p.Monthly+p.Yearly == 0 {
		p.Last = 1
	}
	return mustCheck(t, p)
}

func TestPolicyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy, points := drawPolicy(t), newestFirst(drawPoints(t))
		verdicts := policy.Decide(points)
		kept := ids(verdicts, true)

		// What is kept stays kept when the rest is gone, all at once or in part, and
		// for the same reasons.
		var left, partly []appbur.RestorePoint
		for _, v := range verdicts {
			if v.Keep {
				left = append(left, v.Point)
			}
			if v.Keep || rapid.Bool().Draw(t, "still there") {
				partly = append(partly, v.Point)
			}
		}
		again := policy.Decide(left)
		if got := ids(again, true); !slices.Equal(got, kept) {
			t.Fatalf("after pruning it keeps %v, before %v", got, kept)
		}
		if got := ids(policy.Decide(partly), true); !slices.Equal(got, kept) {
			t.Fatalf("after pruning in part it keeps %v, before %v", got, kept)
		}
		var before []Verdict
		for _, v := range verdicts {
			if v.Keep {
				before = append(before, v)
			}
		}
		if fmt.Sprint(again) != fmt.Sprint(before) {
			t.Fatalf("reasons changed:\n%v\n%v", before, again)
		}
		// The cluster and each application keep a state as good as they had.
		best := func(points []appbur.RestorePoint) map[Holding]bool {
			complete := map[Holding]bool{}
			for held, at := range NewestGood(points) {
				complete[held] = !points[at].Partial
			}
			return complete
		}
		sorted := make([]appbur.RestorePoint, len(verdicts))
		for i, v := range verdicts {
			sorted[i] = v.Point
		}
		if had, has := best(sorted), best(left); fmt.Sprint(had) != fmt.Sprint(has) {
			t.Fatalf("held well: before %v, after %v", had, has)
		}
		// More is never less: keeping one more of a kind loses nothing.
		more := policy
		more.Daily++
		for _, id := range kept {
			if !slices.Contains(ids(more.Decide(points), true), id) {
				t.Fatalf("keeping more days loses %s", id)
			}
		}
	})
}
