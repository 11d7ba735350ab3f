package cli

import (
	"fmt"
	"sync"

	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/gitsync"
)

// transferBar draws packs that go to or come from remotes, several at a time as one.
type transferBar struct {
	*bars

	mu       sync.Mutex
	transfer map[string]gitsync.Transfer // by remote
}

func (e *env) transferBar() *transferBar {
	t := &transferBar{bars: e.bars(), transfer: map[string]gitsync.Transfer{}}
	t.of("connecting", progress.Uncounted, func(*bar) {})
	return t
}

// report is for [gitsync.RemoteOptions].
func (t *transferBar) report(of gitsync.Transfer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.transfer[of.Remote] = of
	var done, total int
	var bytes int64
	for _, one := range t.transfer {
		done, total, bytes = done+one.Objects, total+one.Total, bytes+one.Bytes
	}

	label := string(of.Phase)
	if n := len(t.transfer); n > 1 {
		label = fmt.Sprintf("%s to %d remotes", of.Phase, n)
	} else if of.Remote != "" && of.Phase == gitsync.Sending {
		label += " to " + of.Remote
	}
	unit := progress.Unit("objects")
	if of.Phase == gitsync.ResolvingDeltas {
		unit = "deltas"
	}
	t.of(label, unit, func(b *bar) {
		b.set(int64(done), int64(total))
		b.note(sizeText(bytes))
	})
}
