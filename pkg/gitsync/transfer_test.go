package gitsync_test

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// transfers keeps what was told of each phase.
type transfers struct {
	mu    sync.Mutex
	told  map[gitsync.TransferPhase][]gitsync.Transfer
	order []gitsync.TransferPhase
}

func (s *transfers) tell(t gitsync.Transfer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		s.told = map[gitsync.TransferPhase][]gitsync.Transfer{}
	}
	if !slices.Contains(s.order, t.Phase) {
		s.order = append(s.order, t.Phase)
	}
	s.told[t.Phase] = append(s.told[t.Phase], t)
}

// Who waits for a push or a clone is told how much of how much is done: the counts never
// become less, and end with the total.
func TestTransfersTellHowFarTheyAre(t *testing.T) {
	bare := testremote.Bare(t)
	r := filled(t, 60)
	grow(t, r, 60, 30)
	remote := gitsync.Remote{Name: "disk", URL: remoteURL(t, bare)}
	var push, clone transfers
	pushed, err := r.Push(t.Context(), remote, what, gitsync.RemoteOptions{Progress: push.tell})
	if err != nil {
		t.Fatal(err)
	}
	testremote.Git(t, bare, "repack", "-adfq")
	dir := filepath.Join(t.TempDir(), "c.git")
	_, cloned, err := gitsync.Clone(t.Context(), dir, remote, gitsync.MainRef, "", gitsync.RemoteOptions{Progress: clone.tell})
	if err != nil {
		t.Fatal(err)
	}

	if !slices.Equal(push.order, []gitsync.TransferPhase{gitsync.Sending}) ||
		!slices.Equal(clone.order, []gitsync.TransferPhase{gitsync.Receiving, gitsync.ResolvingDeltas}) {
		t.Fatalf("phases %v and %v", push.order, clone.order)
	}
	for phase, list := range map[gitsync.TransferPhase][]gitsync.Transfer{
		gitsync.Sending:         push.told[gitsync.Sending],
		gitsync.Receiving:       clone.told[gitsync.Receiving],
		gitsync.ResolvingDeltas: clone.told[gitsync.ResolvingDeltas],
	} {
		for i, one := range list[1:] {
			if one.Objects < list[i].Objects || one.Bytes < list[i].Bytes || one.Remote != "disk" {
				t.Errorf("%s: %+v follows %+v", phase, one, list[i])
			}
		}
		if last := list[len(list)-1]; last.Objects != last.Total || last.Total == 0 {
			t.Errorf("%s ended with %+v", phase, last)
		}
	}
	if last := push.told[gitsync.Sending]; last[len(last)-1].Total != pushed.Objects || last[len(last)-1].Bytes > pushed.Bytes {
		t.Errorf("told %+v, pushed %+v", last[len(last)-1], pushed)
	}
	if last := clone.told[gitsync.Receiving]; last[len(last)-1].Total != cloned.Objects || last[len(last)-1].Bytes != cloned.Bytes {
		t.Errorf("told %+v, cloned %+v", last[len(last)-1], cloned)
	}
}

// A maintenance counts each object that it writes, whole or as a change of another.
func TestMaintenanceTellsHowFarItIs(t *testing.T) {
	r := filled(t, 60)
	grow(t, r, 60, 30)
	var told [][2]int
	tell := func(done, total int) { told = append(told, [2]int{done, total}) }
	report := maintain(t, r, gitsync.MaintainOptions{Full: true, Progress: tell})
	if len(told) != report.Rewritten || report.Deltas == 0 {
		t.Fatalf("told %d times of %+v", len(told), report)
	}
	for i, one := range told {
		if one != [2]int{i + 1, report.Rewritten} {
			t.Fatalf("told %v after %d", one, i)
		}
	}
}
