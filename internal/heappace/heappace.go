package heappace

import (
	"runtime"
	"runtime/metrics"
)

// Pace says how much a heap grows before garbage is collected.
type Pace struct {
	// Room is how many bytes it may always grow by, Percent by which share of what is live, if that
	// is more.
	Room    uint64
	Percent int
}

// Keep sets the pace of this process from now on: the percentage of the runtime is set anew after
// each collection. set is SetGCPercent of runtime/debug.
func (p Pace) Keep(set func(percent int) int) {
	p.afterNext(set)
	set(p.percentOf(live()))
}

// afterNext sets the pace when the next collection finds that nobody has the mark.
func (p Pace) afterNext(set func(percent int) int) {
	mark := &struct{ _ [64]byte }{} // small ones without pointers share memory, and end together
	runtime.AddCleanup(mark, func(struct{}) { p.Keep(set) }, struct{}{})
}

// percentOf is the percentage of the runtime for a heap of which so many bytes are live.
func (p Pace) percentOf(live uint64) int {
	const most = 1000
	if live == 0 {
		return most
	}
	return max(p.Percent, int(min(most, p.Room*100/live)))
}

// live is what the last collection found in use.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
