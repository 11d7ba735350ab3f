package repository

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

// A copy remembers the last restore of each point to each cluster, newest first.
func TestRestoresAreRemembered(t *testing.T) {
	f := newFixture(t)
	day := func(n int) time.Time { return time.Date(2026, 11, n, 3, 0, 0, 123, time.UTC) }
	one, two := appbur.RestorePointID("20261101T030000Z"), appbur.RestorePointID("20261102T030000Z")
	for _, restored := range []Restored{
		{Point: one, Cluster: "a", Server: "https://a", State: RestoreBegun, At: day(3)},
		{Point: one, Cluster: "a", Server: "https://a", State: RestoreDone, At: day(3)},
		{Point: one, Cluster: "b", Context: "kind-b", Server: "https://b", State: RestorePartly, At: day(5)},
		{Point: two, Cluster: "a", Server: "https://a", State: RestoreDone, At: day(4)},
	} {
		if err := f.repo.NoteRestore(restored); err != nil {
			t.Fatal(err)
		}
	}

	f.reopen()
	list, err := f.repo.Restores()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, fmt.Sprintf("%s to %s on %s: %s", r.Point, r.Cluster, r.At.Format(time.DateOnly), r.State))
	}
	want := "20261101T030000Z to b on 2026-11-05: partly\n20261102T030000Z to a on 2026-11-04: done\n20261101T030000Z to a on 2026-11-03: done"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// Restores that are noted at the same time are all remembered, up to the bound.
func TestRestoresNotedAtOnce(t *testing.T) {
	f := newFixture(t)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			err := f.repo.NoteRestore(Restored{Point: "20261101T030000Z", Cluster: fmt.Sprint(i), State: RestoreDone, At: f.time})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()

	if list, err := f.repo.Restores(); err != nil || len(list) != 20 {
		t.Errorf("%d restores are remembered, want 20 (%v)", len(list), err)
	}
}

// A file that somebody broke is an error with a way out, not silence.
func TestRestoresThatCannotBeRead(t *testing.T) {
	f := newFixture(t)
	if err := os.WriteFile(filepath.Join(f.repo.Dir(), restoresFile), []byte("[{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.repo.Restores(); err == nil || !strings.Contains(err.Error(), restoresFile) || nextStep(err) == "" {
		t.Errorf("got %v (hint %q)", err, appbur.HintOf(err))
	}
}
