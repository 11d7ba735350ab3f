package gitsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/repack"
)

// prunePlan is what a prune found out before it wrote anything.
type prunePlan struct {
	reach          *reach
	dropped, aside int
	// commits is set when commits are among the dropped.
	commits bool
}

// ErrPruneRaced means that what a prune was about to drop came into use
// meanwhile. Nothing was dropped.
var ErrPruneRaced = errors.New("objects came into use while they were being pruned")

// planPrune sorts the entries of a set: what refs need stays; what nothing needs
// is dropped if it is old, with all that only it refers to, and set aside if not.
func (r *Repository) planPrune(ctx context.Context, set *repack.Set, before time.Time, report *MaintainReport) (*prunePlan, error) {
	w, err := r.newReach()
	if err != nil {
		return nil, err
	}
	defer w.close()

	refs, logs, err := r.tips()
	if err != nil {
		return nil, err
	}
	if err := w.walk(ctx, refs, false); err != nil {
		return nil, fmt.Errorf("nothing is pruned from a repository that lacks objects: %w", err)
	}
	if err := w.walk(ctx, logs, true); err != nil {
		return nil, err
	}

	// What young objects refer to is as young as they.
	young, err := r.newReach()
	if err != nil {
		return nil, err
	}
	defer young.close()

	for i := range set.Entries {
		e := &set.Entries[i]
		if w.seen[e.ID] || int64(e.Time) < before.Unix() {
			continue
		}
		if e.Kind == plumbing.BlobObject {
			young.seen[e.ID] = true
			continue
		}
		if err := young.walk(ctx, []Hash{e.ID}, true); err != nil {
			return nil, err
		}
	}

	plan := &prunePlan{reach: w}
	for i := range set.Entries {
		e := &set.Entries[i]
		switch {
		case w.seen[e.ID]:
			e.To = repack.ToPack
		case young.seen[e.ID]:
			e.To = repack.ToCruft
			plan.aside++
		default:
			e.To = repack.ToNowhere
			plan.dropped++
			plan.commits = plan.commits || e.Kind == plumbing.CommitObject
		}
	}

	report.SetAside = plan.aside
	return plan, nil
}

// nothing reports whether everything is as it should be already.
func (p *prunePlan) nothing(chosen []*pack.Pack, loose []pack.Loose) bool {
	if p == nil || p.dropped > 0 || len(loose) > 0 {
		return false
	}
	plain, cruft := 0, 0
	for _, c := range chosen {
		switch {
		case c.Cruft:
			cruft++
		case !c.Searched:
			return false
		default:
			plain++
		}
	}
	return plain <= 1 && (cruft == 1 && p.aside > 0 || cruft == 0 && p.aside == 0)
}

// finishPrune takes the old packs away, unless what is to be dropped came into use
// since the plan was made: writers are kept out, refs that moved are walked again,
// and packs that somebody relied on have become young.
func (r *Repository) finishPrune(ctx context.Context, plan *prunePlan, set *repack.Set, chosen []*pack.Pack, loose []pack.Loose,
	made []*pack.Pack,
	report *MaintainReport,
) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if plan.dropped > 0 {
		if err := r.stillUnused(ctx, plan, set); err != nil {
			return err
		}
		if plan.commits {
			// They would go on naming commits that are gone.
			for _, name := range []string{"commit-graph", "commit-graphs"} {
				if err := os.RemoveAll(filepath.Join(r.objects.Dirs[0], "info", name)); err != nil {
					return err
				}
			}
		}
	}

	if err := r.objects.Retire(chosen, loose, made); err != nil {
		return err
	}
	report.Pruned = plan.dropped
	return nil
}

func (r *Repository) stillUnused(ctx context.Context, plan *prunePlan, set *repack.Set) error {
	raced := appbur.WithHint(ErrPruneRaced, "run it again")
	for _, source := range set.Sources {
		info, err := os.Stat(source.Pack.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // git repacked it; what it held is elsewhere
		}
		if err != nil {
			return err
		}
		if !info.ModTime().Equal(source.Age) {
			return raced
		}
	}

	if err := r.objects.Rescan(); err != nil {
		return err
	}
	refs, logs, err := r.tips()
	if err != nil {
		return err
	}

	again, err := r.newReach()
	if err != nil {
		return err
	}
	defer again.close()
	again.seen = plan.reach.seen
	if err := again.walk(ctx, refs, false); err != nil {
		return err
	}
	if err := again.walk(ctx, logs, true); err != nil {
		return err
	}

	for i := range set.Entries {
		if e := &set.Entries[i]; e.To == repack.ToNowhere && again.seen[e.ID] {
			return raced
		}
	}
	return nil
}
