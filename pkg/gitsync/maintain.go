package gitsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/repack"
)

// MaintainOptions tune [Repository.Maintain].
type MaintainOptions struct {
	// Full packs everything into one pack. Otherwise only as many packs are packed
	// together as leave each of those that remain at least twice as large as all
	// smaller ones, so that over the years each object is written a few times.
	Full bool
	// PruneBefore drops objects that no ref needs and no process has used since. The
	// zero time drops nothing. Two weeks ago is git's own choice: a writer that is
	// at work for longer than that must begin anew.
	PruneBefore time.Time
	// Progress is called with how many objects of how many are packed, one call at a time; it
	// may be nil. When git repacks the same packs meanwhile, it all begins anew.
	Progress func(done, total int)
}

// MaintainReport says what [Repository.Maintain] did.
type MaintainReport struct {
	PacksBefore, PacksAfter int
	// BytesBefore and BytesAfter are of packs, indexes and loose objects.
	BytesBefore, BytesAfter int64
	// Rewritten counts the objects that were packed anew, Deltas those of them that
	// became changes of others, Loose those that had a file of their own.
	Rewritten, Deltas, Loose int
	// Pruned counts the objects that were dropped, SetAside those that no ref needs
	// and that are too young.
	Pruned, SetAside int
}

// Maintain packs objects together, stored as changes of one another where that is
// smaller, and takes in what stock git left loose. Reading and writing go on
// meanwhile, in this process, in others and by stock git. No pack is removed
// before all its objects are durable and indexed in another one; whatever stops
// Maintain, what is there is intact, and the next one starts anew with what is
// left. A second maintenance at the same time is [ErrLocked], after a moment.
func (r *Repository) Maintain(ctx context.Context, o MaintainOptions) (MaintainReport, error) {
	report, err := r.maintain(ctx, o)
	if err != nil {
		return report, pack.DiskError(r.dir, fmt.Errorf("maintenance: %w", err))
	}
	return report, nil
}

// maintainRounds bounds how often a maintenance begins anew because git has repacked
// what it was about to.
const maintainRounds = 20

func (r *Repository) maintain(ctx context.Context, o MaintainOptions) (report MaintainReport, err error) {
	done, err := r.lockMaintenance(ctx, true)
	if err != nil {
		return report, err
	}
	defer done()
	for range maintainRounds {
		report, err = r.maintainOnce(ctx, o)
		if !errors.Is(err, pack.ErrVanished) {
			break
		}
	}
	return report, err
}

func (r *Repository) maintainOnce(ctx context.Context, o MaintainOptions) (report MaintainReport, err error) {
	if err := pack.RemoveAbandoned(r.objects.PackDir()); err != nil {
		return report, err
	}
	if err := pack.RemoveOrphans(r.objects.PackDir(), filepath.Join(r.dir, maintenanceLockFile)); err != nil {
		return report, err
	}
	if err := r.objects.Rescan(); err != nil {
		return report, err
	}

	loose, err := r.objects.LooseObjects()
	if err != nil {
		return report, err
	}
	if report.PacksBefore, report.BytesBefore, err = r.objects.Usage(loose); err != nil {
		return report, err
	}
	prune := !o.PruneBefore.IsZero()
	if prune && r.precious {
		return report, appbur.WithHint(fmt.Errorf("%w: the repository's configuration forbids to delete objects", ErrUnsupported),
			"maintain without pruning")
	}

	chosen := choosePacks(r.objects.Own(), o.Full || prune, prune)
	if len(chosen) > 1 || len(loose) > 0 || prune || len(chosen) == 1 && !chosen[0].Searched {
		err := r.repack(ctx, chosen, loose, o, &report)
		if prune && err != nil && isNoSpace(err) {
			err = r.pruneFull(ctx, o.PruneBefore, &report)
		}
		if err != nil {
			return report, err
		}
	}

	left, err := r.objects.LooseObjects()
	if err != nil {
		return report, err
	}
	r.Reserve()
	report.PacksAfter, report.BytesAfter, err = r.objects.Usage(left)
	return report, err
}

func (r *Repository) repack(ctx context.Context, chosen []*pack.Pack, loose []pack.Loose, o MaintainOptions, report *MaintainReport) error {
	set, err := repack.Open(chosen, loose)
	if err != nil {
		return err
	}
	defer set.Close()
	var plan *prunePlan
	if !o.PruneBefore.IsZero() {
		if plan, err = r.planPrune(ctx, set, o.PruneBefore, report); err != nil || plan.nothing(chosen, loose) {
			return err
		}
	}
	loose = set.LeaveTooLarge(loose, r.objects.Limits)

	for i := range set.Entries {
		if to := set.Entries[i].To; to == repack.ToPack || to == repack.ToCruft {
			set.Total++
		}
	}
	set.Progress = o.Progress
	made, release, err := r.writePacks(ctx, set, report)
	if err != nil {
		return err
	}
	defer release()

	report.Loose = len(loose)
	if plan != nil {
		return r.finishPrune(ctx, plan, set, chosen, loose, made, report)
	}
	return r.objects.Retire(chosen, loose, made)
}

// writePacks writes and publishes what stays and what is set aside of a set. The packs are
// held until release is called, which has to be after those are gone that they replace.
func (r *Repository) writePacks(ctx context.Context, set *repack.Set, report *MaintainReport) (made []*pack.Pack, release func(),
	err error,
) {
	set.Link()
	if err := set.NameEntries(ctx, r.objects); err != nil {
		return nil, nil, err
	}

	var holds []*pack.Hold
	release = func() {
		for _, hold := range holds {
			hold.Release()
		}
	}
	stay := &repack.Writer{Set: set, Objects: r.objects, To: repack.ToPack, Search: true}
	cruft := &repack.Writer{Set: set, Objects: r.objects, To: repack.ToCruft}
	for _, w := range []*repack.Writer{stay, cruft} {
		p, hold, err := w.Write(ctx)
		if err != nil {
			err = errors.Join(err, r.withdraw(made, set))
			release()
			return nil, nil, err
		}
		if p != nil {
			holds = append(holds, hold)
			report.Rewritten += p.Index.Count
			made = append(made, p)
			r.objects.Add(p)
		}
	}
	report.Deltas += stay.Deltas
	return made, release, nil
}

// withdraw takes back packs that were made of a set for a repack that failed. All that
// they hold is still where it was, and on a full disk they are in the way.
func (r *Repository) withdraw(made []*pack.Pack, set *repack.Set) error {
	made = slices.DeleteFunc(made, func(p *pack.Pack) bool {
		return slices.ContainsFunc(set.Sources, func(s *repack.Source) bool { return s.Pack.Path == p.Path })
	})
	return r.objects.Retire(made, nil, nil)
}

// choosePacks returns what is packed together.
func choosePacks(packs []*pack.Pack, all, cruft bool) []*pack.Pack {
	packs = slices.DeleteFunc(packs, func(p *pack.Pack) bool { return p.Kept.Load() || p.Cruft && !cruft })
	if all {
		return packs
	}
	slices.SortFunc(packs, func(a, b *pack.Pack) int { return cmp.Compare(a.Index.Count, b.Index.Count) })

	sum, upTo := 0, 0
	for i, p := range packs {
		// A pack that is less than twice all before it goes with them.
		if i > 0 && p.Index.Count < 2*sum {
			upTo = i + 1
		}
		sum += p.Index.Count
	}

	chosen := packs[:upTo]
	for _, p := range packs[upTo:] {
		if !p.Searched {
			chosen = append(chosen, p)
		}
	}

	return chosen
}
