package repository

import "time"

// ClockNotice says what is odd about a clock beside the newest point: it went back, or
// it is half a year ahead. "" if nothing is. A backup goes on in both cases, because
// points are ordered by history; but somebody should look at the clock.
func ClockNotice(now, newest time.Time) string {
	const layout = "2006-01-02 15:04:05Z"
	switch {
	case newest.IsZero():
		return ""
	case now.Before(newest.Add(-time.Minute)):
		return "the clock went back: it says " + now.UTC().Format(layout) + ", and the newest restore point was made at " +
			newest.UTC().Format(layout)
	case now.After(newest.Add(longAhead)):
		return "the clock says " + now.UTC().Format(layout) + ", long after the newest restore point of " + newest.UTC().Format(layout) +
			"; is it right?"
	}
	return ""
}

// longAhead is after how long without a point the clock is doubted.
const longAhead = 180 * 24 * time.Hour
