package heappace

import (
	"runtime"
	"testing"
)

const mib = 1 << 20

func TestASmallHeapHasRoomAndALargeOneAShare(t *testing.T) {
	pace := Pace{Room: 24 * mib, Percent: 25}
	for name, c := range map[string]struct {
		live uint64
		want int
	}{
		"nothing was collected yet": {0, 1000},
		"next to nothing":           {1 * mib, 1000},
		"small":                     {12 * mib, 200},
		"the room is the share":     {96 * mib, 25},
		"large":                     {150 * mib, 25},
	} {
		t.Run(name, func(t *testing.T) {
			if got := pace.percentOf(c.live); got != c.want {
				t.Errorf("got %d %%, want %d", got, c.want)
			}
		})
	}
}

// The pace is set anew after each collection: what is live then is not what was live at first.
func TestThePaceFollowsTheHeap(t *testing.T) {
	kept := make([]byte, 64*mib) // before anything is collected for the pace
	set := make(chan int)
	end := make(chan struct{})
	defer close(end)
	go Pace{Room: 24 * mib, Percent: 25}.Keep(func(percent int) int {
		select {
		case set <- percent:
		case <-end:
		}
		return 0
	})

	<-set
	runtime.GC()
	if percent := <-set; percent < 25 || percent > 38 {
		t.Errorf("with %d MiB live it is %d %%, want 24 MiB of at least 64", len(kept)/mib, percent)
	}
	runtime.KeepAlive(kept)
}
