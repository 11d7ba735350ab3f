package gitsync

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/repack"
)

// pruneFull prunes on a disk that has no room for a new pack of everything. First goes
// what needs none: packs that hold nothing any more, and loose objects. Then packs are
// written anew without what is dropped, one by one, the one first that needs least, since
// each makes room for the next. When one does not fit, the error says what is left.
func (r *Repository) pruneFull(ctx context.Context, before time.Time, report *MaintainReport) error {
	_ = os.Remove(filepath.Join(r.dir, reserveFile))
	for {
		left, err := r.pruneStep(ctx, before, report)
		switch {
		case err != nil && isNoSpace(err):
			return r.noRoomFor(left, err)
		case err != nil:
			return err
		case left.Packs == 0:
			return nil
		}
		if err := r.objects.Rescan(); err != nil {
			return err
		}
	}
}

func (r *Repository) noRoomFor(left repack.Prunable, err error) error {
	err = fmt.Errorf("what needs no room was freed; %d packs hold %d bytes that nothing needs, and the next one has to be written anew: %w",
		left.Packs, left.Bytes, err)
	return appbur.WithHint(&NoSpaceError{Dir: r.dir, Need: left.Need, Err: err},
		fmt.Sprintf("make %d bytes of room on the file system of %s, and run again; nothing is damaged", left.Need, r.dir))
}

// pruneStep frees what needs no room; when there is nothing of that, it writes one pack
// anew. Everything is planned for all objects: what a young object of one pack refers to
// stays in another.
func (r *Repository) pruneStep(ctx context.Context, before time.Time, report *MaintainReport) (repack.Prunable, error) {
	loose, err := r.objects.LooseObjects()
	if err != nil {
		return repack.Prunable{}, err
	}
	chosen := choosePacks(r.objects.Own(), true, true)
	set, err := repack.Open(chosen, loose)
	if err != nil {
		return repack.Prunable{}, err
	}
	defer set.Close()
	plan, err := r.planPrune(ctx, set, before, report)
	if err != nil {
		return repack.Prunable{}, err
	}

	packs, left := set.PrunablePacks()
	var whole []*pack.Pack
	for _, p := range packs {
		if p.Live == 0 {
			whole = append(whole, p.Pack)
		}
	}
	dropped := slices.DeleteFunc(loose, func(o pack.Loose) bool { return set.Entries[set.ByID[o.ID]].To != repack.ToNowhere })
	pruned := report.Pruned
	if len(whole)+len(dropped) > 0 {
		err := r.finishPrune(ctx, plan, set, whole, dropped, nil, report)
		report.Pruned = pruned + set.OnlyIn(whole, dropped)
		left.Packs = max(left.Packs, 1) // look again
		return left, err
	}
	if len(packs) == 0 {
		return repack.Prunable{}, nil
	}

	next := packs[0]
	left.Need = next.Live + int64(next.Pack.Index.Count)*repack.IndexedSize
	set.LeaveOthers(next.Source)
	made, release, err := r.writePacks(ctx, set, report)
	if err != nil {
		return left, err
	}
	defer release()
	err = r.finishPrune(ctx, plan, set, []*pack.Pack{next.Pack}, nil, made, report)
	report.Pruned = pruned + next.Dropped
	return left, err
}
