package retention

import (
	"fmt"
	"maps"
	"slices"

	"github.com/appbur/appbur"
)

// checkSchedules makes the policies of schedules ready.
func (p *Policy) checkSchedules() error {
	if len(p.Schedules) == 0 {
		return nil
	}
	ready := make(map[string]Policy, len(p.Schedules))
	for _, name := range slices.Sorted(maps.Keys(p.Schedules)) {
		policy := p.Schedules[name]
		if len(policy.Schedules) > 0 {
			return fmt.Errorf("%w: schedule %s: a schedule has no schedules of its own", ErrPolicy, name)
		}
		if policy.Zone == "" {
			policy.Zone = p.Zone
		}
		checked, err := policy.Check()
		if err != nil {
			return appbur.WithHint(fmt.Errorf("schedule %s: %w", name, err), appbur.HintOf(err))
		}
		ready[name] = checked
	}
	p.Schedules = ready
	return nil
}

// judgeBySchedule counts the points of each schedule with a policy alone, and then those of none.
// It returns which points some policy counted.
func (p Policy) judgeBySchedule(points []appbur.RestorePoint, verdicts []Verdict) []bool {
	judged := make([]bool, len(points))
	for _, name := range slices.Sorted(maps.Keys(p.Schedules)) {
		var at []int
		for i, point := range points {
			if slices.Contains(point.Schedules, name) {
				at, judged[i] = append(at, i), true
			}
		}
		p.Schedules[name].judge(name+": ", at, points, verdicts)
	}
	if p.total() == 0 {
		return judged
	}

	var others []int
	for i := range points {
		if !judged[i] {
			others, judged[i] = append(others, i), true
		}
	}
	p.judge("", others, points, verdicts)
	return judged
}

// judge adds what a policy says about some of the points.
func (p Policy) judge(of string, at []int, points []appbur.RestorePoint, verdicts []Verdict) {
	own := make([]appbur.RestorePoint, len(at))
	for i, index := range at {
		own[i] = points[index]
	}
	list := make([]Verdict, len(own))
	p.count(own, list)
	for i, verdict := range list {
		v := &verdicts[at[i]]
		v.Keep, v.Misdated = v.Keep || verdict.Keep, v.Misdated || verdict.Misdated
		for _, reason := range verdict.Reasons {
			v.Reasons = append(v.Reasons, of+reason)
		}
	}
}
