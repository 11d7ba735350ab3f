package retention

import (
	"cmp"
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // a policy must mean the same in a container without zone files

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// Policy says which restore points to keep: the newest of each of so many hours,
// days, and so on, counted over those that have a point at all. Points that no count
// keeps may go, except what is always kept; see [Policy.Decide].
type Policy struct {
	Last    int `yaml:"last"`
	Hourly  int `yaml:"hourly"`
	Daily   int `yaml:"daily"`
	Weekly  int `yaml:"weekly"`
	Monthly int `yaml:"monthly"`
	Yearly  int `yaml:"yearly"`
	// Zone is the time zone that days begin in, a name of the IANA database. Empty
	// is UTC.
	Zone string `yaml:"zone"`
	// Schedules are policies by the name of the schedule that points were made by. Each counts its own
	// points alone, so that frequent points take no day from those that are to be kept for long; the
	// counts above are for all other points, which stay where there are none. A point of several
	// schedules stays as long as one of them keeps it. A schedule has no schedules.
	Schedules map[string]Policy `yaml:"schedules,omitempty"`

	location *time.Location
}

// countRule is one way to count. Two points with the same bucket are of the same
// hour, day, and so on.
type countRule struct {
	name   string
	count  func(Policy) int
	bucket func(appbur.RestorePoint, *time.Location) string
	reason string
}

func calendar(layout string) func(appbur.RestorePoint, *time.Location) string {
	return func(point appbur.RestorePoint, zone *time.Location) string {
		return point.Created.In(zone).Format(layout)
	}
}

// countRules are tried in this order; a point that several keep names them all.
var countRules = []countRule{
	{
		"last", func(p Policy) int { return p.Last },
		func(point appbur.RestorePoint, _ *time.Location) string { return string(point.ID) },
		"one of the newest",
	},
	// The offset is in it because an hour comes twice when summer time ends.
	{"hourly", func(p Policy) int { return p.Hourly }, calendar("2006-01-02T15-0700"), "newest of its hour"},
	{"daily", func(p Policy) int { return p.Daily }, calendar("2006-01-02"), "newest of its day"},
	{
		"weekly", func(p Policy) int { return p.Weekly },
		func(point appbur.RestorePoint, zone *time.Location) string {
			year, week := point.Created.In(zone).ISOWeek()
			return fmt.Sprintf("%d-W%02d", year, week)
		},
		"newest of its week (ISO 8601, from Monday)",
	},
	{"monthly", func(p Policy) int { return p.Monthly }, calendar("2006-01"), "newest of its month"},
	{"yearly", func(p Policy) int { return p.Yearly }, calendar("2006"), "newest of its year"},
}

// ErrPolicy means that a retention policy makes no sense.
var ErrPolicy = errors.New("retention policy")

// Check returns the policy ready to decide, or why it cannot.
func (p Policy) Check() (Policy, error) {
	for _, rule := range countRules {
		if n := rule.count(p); n < 0 {
			return Policy{}, fmt.Errorf("%w: %s: %d is less than 0", ErrPolicy, rule.name, n)
		}
	}
	if p.total() == 0 && len(p.Schedules) == 0 {
		return Policy{}, appbur.WithHint(fmt.Errorf("%w: it keeps nothing", ErrPolicy),
			"say how many points to keep: last, hourly, daily, weekly, monthly or yearly")
	}
	var err error
	if p.location, err = time.LoadLocation(cmp.Or(p.Zone, "UTC")); err != nil || p.Zone == "Local" {
		return Policy{}, appbur.WithHint(fmt.Errorf("%w: the time zone %q is not known", ErrPolicy, p.Zone),
			"use a name such as Europe/Berlin, or leave it out for UTC")
	}
	if err := p.checkSchedules(); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// total is how many points the counts keep at most.
func (p Policy) total() (total int) {
	for _, rule := range countRules {
		total += rule.count(p)
	}
	return total
}

// UnmarshalYAML refuses settings that are not known.
func (p *Policy) UnmarshalYAML(node *yaml.Node) error {
	type plain Policy
	var read plain
	for i := 0; i+1 < len(node.Content); i += 2 {
		// A decoder's strictness does not reach into a node that decodes itself.
		switch key := node.Content[i]; key.Value {
		case "last", "hourly", "daily", "weekly", "monthly", "yearly", "zone", "schedules":
		default:
			return fmt.Errorf("line %d: unknown setting %q: want last, hourly, daily, weekly, monthly, yearly, zone or schedules", key.Line, key.Value)
		}
	}
	if err := node.Decode(&read); err != nil {
		return err
	}
	*p = Policy(read)
	return nil
}

// Verdict is what a policy says about one point.
type Verdict struct {
	Point appbur.RestorePoint
	Keep  bool
	// Misdated points carry a time that cannot be true.
	Misdated bool
	// Reasons say by which rules it is kept, or why it may go.
	Reasons []string
}

// Decide judges points, given newest first by history, and returns the verdicts
// in the same order. It depends on nothing but the points and the policy:
// when what may go is gone, the same points are kept again. The policy must come from
// [Policy.Check].
//
// A point whose time cannot be true is of no hour and no day that is known: it takes
// none from the others, and is kept until somebody deletes it by name.
//
// In each hour, day and so on the newest complete point stands for all, or if there
// is none the newest partial one. Whatever the policy says, it keeps the newest
// complete point, and of each application the newest complete point that holds its
// state, or if there is none the newest partial one.
func (p Policy) Decide(points []appbur.RestorePoint) []Verdict {
	verdicts := make([]Verdict, len(points))
	for i, point := range points {
		verdicts[i].Point = point
	}
	judged := p.judgeBySchedule(points, verdicts)
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

// count fills verdicts with what the rules say.
func (p Policy) count(points []appbur.RestorePoint, verdicts []Verdict) {
	for i, wrong := range Misdated(points) {
		verdicts[i] = Verdict{Point: points[i], Misdated: wrong}
		if wrong {
			verdicts[i].Keep = true
			verdicts[i].Reasons = []string{"its time cannot be true: a clock was wrong"}
		}
	}

	for _, rule := range countRules {
		p.apply(rule, verdicts)
	}
}

// keepAlways notes that the point stays whatever a policy says.
func (v *Verdict) keepAlways(use Holding) {
	text := "always: the newest good state of " + use.String()
	if v.Point.Partial {
		text = "always: the newest state of " + use.String() + "; no complete point holds it"
	}
	v.Keep, v.Reasons = true, append(v.Reasons, text)
}

// apply marks what one rule keeps among verdicts that are sorted newest first.
func (p Policy) apply(rule countRule, verdicts []Verdict) {
	count := rule.count(p)
	chosen := map[string]int{}
	var order []string

	for i, v := range verdicts {
		if v.Misdated && rule.name != "last" {
			continue
		}
		bucket := rule.bucket(v.Point, p.location)
		best, known := chosen[bucket]
		switch {
		case !known:
			chosen[bucket] = i
			order = append(order, bucket)
		case verdicts[best].Point.Partial && !v.Point.Partial:
			chosen[bucket] = i
		}
	}

	for _, bucket := range order[:min(count, len(order))] {
		v := &verdicts[chosen[bucket]]
		v.Keep = true
		text := fmt.Sprintf("%s: %s", rule.name, rule.reason)
		if rule.name != "last" {
			text += " " + bucket
		}
		if v.Point.Partial && rule.name != "last" {
			text += ", which has no complete one"
		}
		v.Reasons = append(v.Reasons, text)
	}
}
