package progress

import (
	"math"
	"time"
)

const (
	// memory is how long what was observed counts: after that time its weight is 1/e. It
	// evens out pages and batches, and follows a server that slows down within a minute.
	// Where few things are done that take long, it is longer: memorable of them count.
	memory    = 10 * time.Second
	memorable = 4
	// leastObserved is how long work must go on before anything is said of its speed.
	leastObserved = time.Second
	// leastSilence is how long nothing must be done to be worth a word, and timesUsual how
	// many times as long as is usual.
	leastSilence = 5 * time.Second
	timesUsual   = 3
	// farthest is the end of what is foretold.
	farthest = 100 * 24 * time.Hour
)

// pace is how fast work goes: the mean of the rates between observations, each weighted by
// how long it held and how long ago that was. The zero value has observed nothing.
type pace struct {
	begun         bool
	started, last time.Time
	// done is the count at the last observation that added something, step what it added.
	done, step int64
	// units were done in seconds, both weighted.
	units, seconds float64
}

// observe is called with how much is done. Less than before means that the work began anew.
func (p *pace) observe(at time.Time, done int64) {
	if !p.begun || done < p.done {
		*p = pace{begun: true, started: at, last: at, done: done}
		return
	}
	took := at.Sub(p.last).Seconds()
	if done == p.done || took <= 0 {
		return // what was done in no time counts for the next observation
	}

	p.step = done - p.done
	span := memorable * took
	if p.units > 0 {
		span = p.span()
	}
	keep, weight := fade(took, span)
	p.units = p.units*keep + float64(p.step)/took*weight
	p.seconds = p.seconds*keep + weight
	p.last, p.done = at, done
}

// fade returns what is left of older weights after some seconds, and the weight of these.
func fade(seconds, span float64) (keep, weight float64) {
	span = max(span, memory.Seconds())
	keep = math.Exp(-seconds / span)
	return keep, span * (1 - keep)
}

// rate returns how much is done in a second, false while too little is known. As long as
// nothing is late, it is what was observed; from then on silence counts as work at rate 0.
func (p *pace) rate(at time.Time) (perSecond float64, known bool) {
	if p.units <= 0 || at.Sub(p.started) < leastObserved {
		return 0, false
	}
	late := max(0, at.Sub(p.last).Seconds()-p.usual())
	keep, weight := fade(late, p.span())
	return p.units * keep / (p.seconds*keep + weight), true
}

func (p *pace) span() float64 { return memorable * p.usual() }

// usual is how many seconds it takes to do as much as was done at once.
func (p *pace) usual() float64 {
	return float64(p.step) * p.seconds / p.units
}

// left returns how long what is still to be done takes, false if it is unknown.
func (p *pace) left(at time.Time, todo int64) (time.Duration, bool) {
	perSecond, known := p.rate(at)
	if !known || todo <= 0 || perSecond <= 0 {
		return 0, false
	}
	// Part of it is done, though not counted before it is complete.
	since := min(max(0, at.Sub(p.last).Seconds()), p.usual())
	seconds := max(0, float64(todo)/perSecond-since)
	if seconds > farthest.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// silence returns for how long nothing was done, false if that is nothing unusual.
func (p *pace) silence(at time.Time) (time.Duration, bool) {
	if p.units <= 0 {
		return 0, false // it has not done anything yet, so what is usual is unknown
	}
	silent := at.Sub(p.last)
	return silent, silent.Seconds() >= max(leastSilence.Seconds(), timesUsual*p.usual())
}
