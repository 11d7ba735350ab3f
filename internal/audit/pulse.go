package audit

import "time"

const (
	// answerWithin is how long a source may take to bring the event of a change: an API server gathers events for a
	// webhook for up to 30 s unless it is told otherwise (--audit-webhook-batch-max-wait).
	answerWithin = 35 * time.Second
	// lately is how long before a change an event counts as a sign of life: it may be the one of the change.
	lately = 5 * time.Second
)

// pulse tells a source that has vanished from a cluster in which nothing happens: only a change that was seen and whose
// event does not come is a sign.
type pulse struct {
	// last is when the last event came, zero before the first.
	last time.Time
	// waiting is when the first change was seen for which no event has come since, zero if there is none.
	waiting time.Time
}

func (p *pulse) beat(now time.Time) { p.last, p.waiting = now, time.Time{} }

func (p *pulse) missed(now time.Time) {
	if !p.last.IsZero() && p.waiting.IsZero() && now.Sub(p.last) > lately {
		p.waiting = now
	}
}

func (p *pulse) silent(now time.Time) (since time.Time, silent bool) {
	return p.last, !p.waiting.IsZero() && now.Sub(p.waiting) >= answerWithin
}
