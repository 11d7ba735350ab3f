package configuration

import "github.com/appbur/appbur/internal/settings"

// Durability says where a restore point has to be for it to count as made.
type Durability string

// The durabilities there are.
const (
	// DurableLocal is the disk of the machine that makes the point.
	DurableLocal Durability = "local"
	// DurablePushed is as many remotes as are required, at least one.
	DurablePushed Durability = "pushed"
	// durableAsAll is that of all schedules.
	durableAsAll Durability = "asAll"
)

var durabilityRow = settings.Field("durability", settings.Choice(DurableLocal, DurablePushed),
	func(p *Points) *Durability { return &p.Durability }, DurableLocal,
	settings.About{
		Text: "Where a restore point has to be for it to count as made: local, on the disk here, or pushed, on as many remotes as push.required " +
			"says. One that has to be pushed and is not yet is told, and pushed again until it is; points are pruned after that.",
		Example: "pushed", Since: version, Effect: settings.AtOnce,
	})

var scheduleDurabilityRow = settings.Field("durability", settings.Choice(durableAsAll, DurableLocal, DurablePushed),
	func(s *Schedule) *Durability { return &s.Durability }, durableAsAll,
	settings.About{
		Text:    "Where a restore point of this schedule has to be for it to count as made; asAll is what points.durability says.",
		Example: "pushed", Since: version, Effect: settings.Restart,
	})

// mostRemotes is a number of remotes that nobody has.
const mostRemotes = 1000

var requiredRow = settings.Field("required", settings.Whole(0, mostRemotes), func(p *Push) *int { return &p.Required }, 0,
	settings.About{
		Text: "How many remotes must hold a restore point for it to count as replicated. 0 is what the working copy says, " +
			"which is all of them where nothing else was set there.",
		Example: "1", Since: version, Effect: settings.Restart,
	})

// MustBePushed reports whether a point for the named schedules, or one that somebody asks for if there is none, counts only
// when it is pushed.
func (p Points) MustBePushed(schedules []string) bool {
	if len(schedules) == 0 {
		return p.Durability == DurablePushed
	}
	for _, s := range p.Schedules {
		for _, name := range schedules {
			if s.Name == name && (s.Durability == DurablePushed || s.Durability == durableAsAll && p.Durability == DurablePushed) {
				return true
			}
		}
	}
	return false
}

// AnyMustBePushed reports whether some points count only when they are pushed.
func (p Points) AnyMustBePushed() bool {
	for _, s := range p.Schedules {
		if p.MustBePushed([]string{s.Name}) {
			return true
		}
	}
	return p.Durability == DurablePushed
}

// pushedNowhere is what is wrong where points have to be pushed and nothing is.
func pushedNowhere(c Configuration) (problem, hint string) {
	if c.Push.Enabled || !c.Points.AnyMustBePushed() {
		return "", ""
	}
	return "points count only when they are pushed, and nothing is pushed (push.enabled)",
		"set push.enabled to true, or points.durability to local"
}
