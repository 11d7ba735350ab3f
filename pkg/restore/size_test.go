package restore

import (
	"testing"
	"unsafe"
)

// A plan of 100,000 objects has as many of these at the same time: 64 bytes more in one of them are 6 MB.
// What few have goes behind a pointer ([StepDetails]). The sizes are those that memory is given out in.
func TestWhatThereIsOneOfForEachObjectIsSmall(t *testing.T) {
	for name, c := range map[string]struct{ is, most uintptr }{
		"an object of the point": {unsafe.Sizeof(packed{}), 160},
		"a draft":                {unsafe.Sizeof(draft{}), 320},
		"a node":                 {unsafe.Sizeof(node{}), 128},
		"a step":                 {unsafe.Sizeof(Step{}), 256},
		"what is kept of a step": {unsafe.Sizeof(finishedStep{}), 32},
		"an identity":            {unsafe.Sizeof(Identity{}), 96},
	} {
		if c.is > c.most {
			t.Errorf("%s takes %d bytes, at most %d are meant", name, c.is, c.most)
		}
	}
}
