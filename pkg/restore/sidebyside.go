package restore

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/appbur/appbur"
)

// sideBySide calls do for each place of a list, on all processors. It returns the error of the first
// place that has one, whichever was found first; a panic is an error.
func sideBySide(length int, do func(i int) error) error {
	var (
		next  atomic.Int64
		group sync.WaitGroup
		mu    sync.Mutex
		first error
		at    = length
	)
	const share = 4 // of the places at a time: few, so that small plans are made in this way too
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for {
				end := int(next.Add(share))
				for i := end - share; i < min(end, length); i++ {
					if err := appbur.Guard(func() error { return do(i) }); err != nil {
						mu.Lock()
						if i < at {
							first, at = err, i
						}
						mu.Unlock()
					}
				}
				if end >= length {
					return
				}
			}
		})
	}
	group.Wait()
	return first
}
