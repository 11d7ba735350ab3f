package cli

import (
	"fmt"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/contract"
)

// appPhases says how the phases of an import or of a comparison are drawn, and of what of
// the saved state there is as much to do. What an application exports again is only about
// as large as what was saved of an older one.
var appPhases = map[string]struct {
	label string
	unit  progress.Unit
	about bool
}{
	apps.Waiting:   {"waiting for ", progress.Uncounted, false},
	"receiving":    {"importing ", progress.Bytes, false},
	"applying":     {"applying the state of ", "rows", true},
	"verifying":    {"verifying the state of ", "rows", true},
	"committing":   {"committing the state of ", progress.Uncounted, false},
	"exporting":    {"exporting again ", progress.Bytes, true},
	apps.Comparing: {"comparing the state of ", progress.Bytes, false},
}

// appBar draws what becomes of the state of applications, one after the other.
type appBar struct {
	*bars
	saved map[appbur.AppKey]appbur.AppState
	// place is where each application is in the order in which they come, from 1.
	place map[appbur.AppKey]int

	mu    sync.Mutex
	label string
	// done is what was done of each dataset in the phase.
	done map[string]int64
}

func (e *env) appBar(saved []appbur.AppState) *appBar {
	b := &appBar{bars: e.bars(), saved: map[appbur.AppKey]appbur.AppState{}, place: map[appbur.AppKey]int{}}
	for i, app := range saved {
		b.saved[app.AppKey], b.place[app.AppKey] = app, i+1
	}
	return b
}

// name is an application, and how many there are before and after it.
func (b *appBar) name(key appbur.AppKey) string {
	if len(b.saved) < 2 {
		return key.String()
	}
	return fmt.Sprintf("%s (%d of %d)", key, b.place[key], len(b.saved))
}

// report is for [apps.Importer] and [apps.Checker].
func (b *appBar) report(key appbur.AppKey, p contract.Progress) {
	phase, known := appPhases[p.Phase]
	if !known {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if label := phase.label + b.name(key); b.label != label {
		b.label, b.done = label, map[string]int64{}
	}

	did, total := p.Rows, int64(0)
	switch phase.unit {
	case progress.Uncounted:
		did = 0
	case progress.Bytes:
		did, total = p.Bytes, payloadSize(b.saved[key])
	default:
		for _, d := range b.saved[key].Datasets {
			total += d.Rows
		}
	}
	b.done[p.Dataset] = max(b.done[p.Dataset], did)
	sum := int64(0)
	for _, done := range b.done {
		sum += done
	}
	b.of(b.label, phase.unit, func(bar *bar) {
		bar.change(func() { bar.done, bar.task.Total, bar.task.About = sum, total, phase.about })
	})
}

func payloadSize(app appbur.AppState) (size int64) {
	for _, d := range app.Datasets {
		size += d.Size
	}
	return size
}
