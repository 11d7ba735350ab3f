package progress

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var began = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func after(seconds float64) time.Time {
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

// walk is random work: pauses between a millisecond and a minute, and steps of one to a
// million.
type walk struct {
	pace          pace
	at            time.Time
	done          int64
	least, most   float64 // of the rates between observations
	pause, stride float64 // the longest ones
}

func randomWalk(r *rand.Rand) *walk {
	w := &walk{at: began, least: math.Inf(1), pause: math.Exp(r.Float64()*11 - 7), stride: math.Exp(r.Float64() * 14)}
	w.pace.observe(w.at, 0)
	for range 1 + r.IntN(200) {
		w.step(r)
	}
	return w
}

func (w *walk) step(r *rand.Rand) {
	took := time.Millisecond + time.Duration(r.Float64()*w.pause*float64(time.Second))
	did := 1 + int64(r.Float64()*w.stride)
	w.at, w.done = w.at.Add(took), w.done+did
	w.pace.observe(w.at, w.done)
	w.least = min(w.least, float64(did)/took.Seconds())
	w.most = max(w.most, float64(did)/took.Seconds())
}

func forWalks(t *testing.T, check func(t *testing.T, r *rand.Rand, w *walk)) {
	t.Helper()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := randomWalk(r)
		if check(t, r, w); t.Failed() {
			t.Fatalf("with the seed %d", seed)
		}
	}
}

// A rate is a mean: it lies between the slowest and the fastest that was observed.
func TestRatesLieWithinWhatWasObserved(t *testing.T) {
	forWalks(t, func(t *testing.T, _ *rand.Rand, w *walk) {
		rate, known := w.pace.rate(w.at)
		if known != (w.at.Sub(began) >= leastObserved) {
			t.Errorf("after %v the rate is known: %v", w.at.Sub(began), known)
		}
		if known && (rate < w.least*(1-1e-9) || rate > w.most*(1+1e-9)) {
			t.Errorf("rate %g, observed were %g to %g", rate, w.least, w.most)
		}
	})
}

// In silence the rate only falls, time that is left is never negative or absurd, and as
// soon as work goes on the rate is one that was observed, silence included.
func TestSilenceOnlySlowsDown(t *testing.T) {
	forWalks(t, func(t *testing.T, r *rand.Rand, w *walk) {
		before, _ := w.pace.rate(w.at.Add(leastObserved))
		at := w.at.Add(leastObserved)
		for range 50 {
			at = at.Add(time.Duration(r.Float64() * 3 * float64(time.Second)))
			rate, known := w.pace.rate(at)
			if !known || rate > before*(1+1e-9) || rate < 0 || math.IsNaN(rate) {
				t.Fatalf("rate %g (known: %v) after %g, %v into the silence", rate, known, before, at.Sub(w.at))
			}
			before = rate
			if left, known := w.pace.left(at, 1+r.Int64N(1<<40)); known && (left < 0 || left > farthest) {
				t.Fatalf("%v left", left)
			}
		}
	})
}

// A steady pace is met exactly, however irregularly somebody looks, and the time that is
// left runs like a clock.
func TestASteadyPaceIsMetExactly(t *testing.T) {
	for _, perSecond := range []float64{0.02, 0.5, 3, 170, 25_000, 3e9} {
		for seed := range uint64(50) {
			r := rand.New(rand.NewPCG(seed, 2))
			var p pace
			p.observe(began, 0)

			second := 0.0
			for range 300 {
				second += 1/perSecond + r.Float64()*2
				p.observe(after(second), int64(second*perSecond*1000))
			}

			rate, known := p.rate(after(second))
			if want := perSecond * 1000; !known || math.Abs(rate-want) > want/100 {
				t.Fatalf("rate %g (known: %v), want %g", rate, known, want)
			}
			todo := int64(perSecond * 1000 * 60)
			if left, known := p.left(after(second), todo); !known || math.Abs(left.Seconds()-60) > 1 {
				t.Fatalf("%v left (known: %v) at %g/s, want a minute", left, known, perSecond)
			}
		}
	}
}

// When the pace changes the rate follows: after half a minute it is nearly the new one.
func TestTheRateFollows(t *testing.T) {
	for _, test := range []struct{ before, then float64 }{{1000, 10}, {10, 1000}, {100, 99}} {
		var p pace
		p.observe(began, 0)
		done, second := 0.0, 0.0
		run := func(perSecond float64, seconds int) {
			for range seconds * 10 {
				second, done = second+0.1, done+perSecond/10
				p.observe(after(second), int64(math.Round(done)))
			}
		}
		run(test.before, 600)
		run(test.then, 30)
		rate, _ := p.rate(after(second))
		if off := math.Abs(rate-test.then) / math.Abs(test.before-test.then); off > 0.06 {
			t.Errorf("from %g to %g: %g after half a minute", test.before, test.then, rate)
		}
	}
}

// Long units are no stall as long as none of them is late, and the time left runs down in
// the middle of one.
func TestLongUnits(t *testing.T) {
	var p pace
	p.observe(began, 0)
	for i := range int64(5) {
		p.observe(after(float64(i+1)*30), i+1)
	}

	for _, test := range []struct{ second, left float64 }{{150, 300}, {160, 290}, {179, 271}, {180, 270}} {
		left, known := p.left(after(test.second), 10)
		if !known || math.Abs(left.Seconds()-test.left) > 0.01 {
			t.Errorf("at %g s: %v left (known: %v), want %g s", test.second, left, known, test.left)
		}
		if silent, is := p.silence(after(test.second)); is {
			t.Errorf("at %g s it counts as silent for %v", test.second, silent)
		}
	}

	if left, _ := p.left(after(200), 10); left.Seconds() <= 270 {
		t.Errorf("a unit is late by 20 s, and %v are left", left)
	}
	if silent, is := p.silence(after(250)); !is || silent != 100*time.Second {
		t.Errorf("after 100 s without a unit that takes 30 s it is silent for %v: %v", silent, is)
	}
}

// A clock that stands still or goes back, and counts that go back, break nothing.
func TestOddClocksAndCounts(t *testing.T) {
	var p pace
	p.observe(began, 0)
	p.observe(began, 100)
	p.observe(after(-5), 200)
	p.observe(after(2), 300)
	if rate, known := p.rate(after(2)); !known || rate != 150 {
		t.Errorf("300 in two seconds are %g/s (known: %v)", rate, known)
	}
	if rate, known := p.rate(after(1)); known && rate > 150 {
		t.Errorf("a moment before it was %g/s", rate)
	}
	p.observe(after(3), 10)
	if rate, known := p.rate(after(10)); known {
		t.Errorf("it began anew, and goes at %g/s", rate)
	}
}
