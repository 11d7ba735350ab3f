package drillreport

import (
	"fmt"
	"slices"
	"time"

	"github.com/appbur/appbur/internal/restorereport"
)

// Trend says in a sentence how the recovery time compares with that of the drills before it that passed, "" if there is
// nothing to compare.
func Trend(now Earlier, before []Earlier) string {
	var times []float64
	for _, e := range before {
		if e.Outcome == Passed {
			times = append(times, e.RecoverySeconds)
		}
	}
	if now.Outcome != Passed || len(times) == 0 {
		return ""
	}
	times = times[:min(len(times), trendOf)]
	slices.Sort(times)
	median := times[len(times)/2]
	if len(times)%2 == 0 {
		median = (median + times[len(times)/2-1]) / 2
	}
	if median <= 0 {
		return ""
	}
	return fmt.Sprintf("%+.0f %% against the median of the last %d that passed (%s)", 100*(now.RecoverySeconds/median-1), len(times),
		seconds(median))
}

// trendOf is how many drills before a drill is compared with.
const trendOf = 10

// seconds writes a time for people.
func seconds(s float64) string { return restorereport.Span(time.Duration(s * float64(time.Second))) }
