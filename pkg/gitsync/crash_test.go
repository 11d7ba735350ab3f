package gitsync_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/gitsync"
)

// crashEnv holds the repository that a child of the crash test writes to.
const crashEnv = "GITSYNC_CRASH_REPOSITORY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		if err := writeForever(dir, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// maintainForever packs and prunes without end, with no time of grace.
func maintainForever(dir string) error {
	r, err := gitsync.Open(dir)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		o := gitsync.MaintainOptions{Full: n%3 == 0}
		if n%2 == 0 {
			o.PruneBefore = time.Now()
		}
		_, err := r.Maintain(context.Background(), o)
		if err != nil && !errors.Is(err, gitsync.ErrPruneRaced) && !errors.Is(err, gitsync.ErrLocked) {
			return err
		}
	}
}

// writeForever commits and tags without end, and tells each one when it is done.
// Beside it the repository is maintained.
func writeForever(dir string, done io.Writer) error {
	r, err := gitsync.Open(dir)
	if err != nil {
		return err
	}
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil && !errors.Is(err, gitsync.ErrRefNotFound) {
		return err
	}
	e, err := r.Edit(tip)
	if err != nil {
		return err
	}
	maintained := make(chan error, 1)
	go func() { maintained <- maintainForever(dir) }()

	for {
		select {
		case err := <-maintained:
			return err
		default:
		}
		n := rand.Uint64()
		for f := range 20 {
			if _, err := e.Put(fmt.Sprintf("ns/%d/file", f), fmt.Append(nil, n, f, strings.Repeat("x", 4000))); err != nil {
				return err
			}
		}
		if tip, err = commitInTwo(r, e, n); err != nil {
			return err
		}
		fmt.Fprintln(done, tip)
		point, err := r.Edit(tip)
		if err != nil {
			return err
		}
		if _, err := point.Put("coverage.json", fmt.Append(nil, n)); err != nil {
			return err
		}
		child, _, err := r.CommitAndTag(context.Background(), fmt.Sprint("points/", n), point, tip, info("point"), tagInfo("point", nil))
		if err != nil {
			return err
		}
		fmt.Fprintln(done, child)
	}
}

// commitInTwo commits as a series.
func commitInTwo(r *gitsync.Repository, e *gitsync.Edit, n uint64) (gitsync.Hash, error) {
	parts := []gitsync.Part{
		{CommitInfo: info("first half"), Final: []string{"ns/1/file"}, Passing: map[string][]byte{"ns/2/file": fmt.Append(nil, "passing", n)}},
		{CommitInfo: info("commit")},
	}
	_, err := r.CommitSeries(context.Background(), gitsync.MainRef, e, parts)
	return e.Base(), err
}

// A writer that is killed at any moment leaves a sound repository with all that
// it said was done.
func TestKilledWriterLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	const kills = 40
	for kill := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashEnv+"="+r.Dir())
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// After the first word from the child, a moment that is nobody's choice.
		lines := bufio.NewScanner(out)
		if !lines.Scan() {
			_ = cmd.Wait()
			t.Fatalf("kill %d: the writer ended by itself: what a dead one left stops the next", kill)
		}
		done := []gitsync.Hash{hash(t, lines.Text())}
		timer := time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			if h, err := gitsync.ParseHash(lines.Text()); err == nil {
				done = append(done, h)
			}
		}
		timer.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()

		fsck(t, r.Dir())
		known := git(t, r.Dir(), "rev-list", "--all")
		for _, h := range done {
			if !strings.Contains(known, h.String()) {
				t.Fatalf("kill %d: %s was acknowledged and is not in the history", kill, h)
			}
		}
		if subject := git(t, r.Dir(), "log", "-1", "--format=%s", "main"); subject != "commit" {
			t.Fatalf("kill %d: main is in the middle of a series, at %q", kill, subject)
		}
		after, err := gitsync.Open(r.Dir())
		if err != nil {
			t.Fatal(err)
		}
		tip, err := after.Tip(gitsync.MainRef)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(t.Context(), snapshot(t, after, tip), ""); err != nil {
			t.Fatal(err)
		}
	}
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	e := edit(t, r, tip)
	put(t, e, "after", "all")
	commit(t, r, e, "after all")
	// Nothing that is unfinished outlives the next writer.
	for _, name := range []string{"appbur.ref", "refs/heads/main.lock"} {
		if _, err := os.Stat(r.Dir() + "/" + name); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	if left := append(glob(t, r, "appbur_tmp_*"), glob(t, r, "*.keep")...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
