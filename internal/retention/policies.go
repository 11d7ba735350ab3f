package retention

import (
	"maps"
	"slices"

	"github.com/appbur/appbur"
)

// Policies are one policy for each schedule that has its own, and one for all other points.
type Policies struct {
	// Default counts for points of no schedule with a policy of its own. Without one they stay.
	Default *Policy
	// Schedules are policies by the name of the schedule, each from [Policy.Check].
	Schedules map[string]Policy
}

// Decide judges points, given newest first by history, as [Policy.Decide] does. The policy of a
// schedule counts the points of that schedule alone, so that frequent points take no day from those that
// are to be kept for long. A point of several schedules stays as long as one of them keeps it.
func (p Policies) Decide(points []appbur.RestorePoint) []Verdict {
	verdicts := make([]Verdict, len(points))
	judged := make([]bool, len(points))
	for i, point := range points {
		verdicts[i].Point = point
	}
	for _, name := range slices.Sorted(maps.Keys(p.Schedules)) {
		p.judge(p.Schedules[name], name+": ", verdicts, judged, func(i int) bool { return slices.Contains(points[i].Schedules, name) })
	}
	others := make([]bool, len(points))
	for i, done := range judged {
		others[i] = !done
	}
	if p.Default != nil {
		p.judge(*p.Default, "", verdicts, judged, func(i int) bool { return others[i] })
	}

	best := NewestGood(points)
	for _, use := range Sorted(best) {
		verdicts[best[use]].keepAlways(use)
	}
	for i := range verdicts {
		switch v := &verdicts[i]; {
		case !judged[i]:
			v.Keep, v.Reasons = true, append(v.Reasons, "no policy counts for it")
		case !v.Keep:
			v.Reasons = []string{"no rule keeps it"}
		}
	}
	return verdicts
}

// judge adds what one policy says about its points.
func (p Policies) judge(policy Policy, of string, verdicts []Verdict, judged []bool, its func(i int) bool) {
	var at []int
	var points []appbur.RestorePoint
	for i := range verdicts {
		if its(i) {
			at, points = append(at, i), append(points, verdicts[i].Point)
		}
	}

	list := make([]Verdict, len(points))
	policy.count(points, list)
	for i, verdict := range list {
		v := &verdicts[at[i]]
		judged[at[i]] = true
		v.Keep, v.Misdated = v.Keep || verdict.Keep, v.Misdated || verdict.Misdated
		for _, reason := range verdict.Reasons {
			v.Reasons = append(v.Reasons, of+reason)
		}
	}
}
