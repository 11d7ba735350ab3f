package gitsync

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"

	"github.com/appbur/appbur"
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
		case left.packs == 0:
			return nil
		}
		if err := r.objects.Rescan(); err != nil {
			return err
		}
	}
}

// indexedSize is how much an object takes in the files beside its pack.
const indexedSize = int64(pack.HashSize) + 12

// prunable is what a step of a prune found, before it took anything away.
type prunable struct {
	packs int
	bytes int64 // packed, of what is dropped from them
	need  int64 // to write the next one anew
}

func (r *Repository) noRoomFor(left prunable, err error) error {
	return appbur.WithHint(
		fmt.Errorf("%w: what needs no room was freed; %d packs hold %d bytes that nothing needs, and the next one has to be written anew: %w",
			ErrNoSpace, left.packs, left.bytes, err),
		fmt.Sprintf("make %d bytes of room on the file system of %s, delete more points, and run again; nothing is damaged", left.need, r.dir))
}

// pruneStep frees what needs no room; when there is nothing of that, it writes one pack
// anew. Everything is planned for all objects: what a young object of one pack refers to
// stays in another.
func (r *Repository) pruneStep(ctx context.Context, before time.Time, report *MaintainReport) (prunable, error) {
	loose, err := r.objects.LooseObjects()
	if err != nil {
		return prunable{}, err
	}
	chosen := choosePacks(r.objects.Own(), true, true)
	set, err := openRepackSet(chosen, loose)
	if err != nil {
		return prunable{}, err
	}
	defer set.close()
	plan, err := r.planPrune(ctx, set, before, report)
	if err != nil {
		return prunable{}, err
	}

	packs, left := set.prunablePacks()
	var whole []*pack.Pack
	for _, p := range packs {
		if p.live == 0 {
			whole = append(whole, p.pack)
		}
	}
	dropped := slices.DeleteFunc(loose, func(o pack.Loose) bool { return set.entries[set.byID[o.ID]].to != toNowhere })
	pruned := report.Pruned
	if len(whole)+len(dropped) > 0 {
		err := r.finishPrune(ctx, plan, set, whole, dropped, nil, report)
		report.Pruned = pruned + set.onlyIn(whole, dropped)
		left.packs = max(left.packs, 1) // look again
		return left, err
	}
	if len(packs) == 0 {
		return prunable{}, nil
	}

	next := packs[0]
	left.need = next.live + int64(next.pack.Index.Count)*indexedSize
	set.leaveOthers(next.source)
	made, release, err := r.writePacks(ctx, set, report)
	if err != nil {
		return left, err
	}
	defer release()
	err = r.finishPrune(ctx, plan, set, []*pack.Pack{next.pack}, nil, made, report)
	report.Pruned = pruned + next.dropped
	return left, err
}

// prunablePack is a pack of a set that holds what is dropped.
type prunablePack struct {
	pack    *pack.Pack
	source  int32
	dropped int
	live    int64 // bytes that have to be written again
}

// prunablePacks are the packs that hold what is dropped, the one first that needs the
// least room to be written anew.
func (s *repackSet) prunablePacks() ([]prunablePack, prunable) {
	packs := make([]prunablePack, len(s.sources))
	for i, source := range s.sources {
		packs[i] = prunablePack{pack: source.pack, source: int32(i)}
	}
	var left prunable
	for i := range s.entries {
		e := &s.entries[i]
		switch {
		case e.source == none:
		case e.to == toNowhere:
			packs[e.source].dropped++
			left.bytes += e.length
		default:
			packs[e.source].live += e.length
		}
	}

	packs = slices.DeleteFunc(packs, func(p prunablePack) bool { return p.dropped == 0 })
	slices.SortStableFunc(packs, func(a, b prunablePack) int { return cmp.Compare(a.live, b.live) })
	left.packs = len(packs)
	return packs, left
}

// onlyIn counts the dropped objects of packs and loose files.
func (s *repackSet) onlyIn(packs []*pack.Pack, loose []pack.Loose) int {
	n := 0
	for i := range s.entries {
		e := &s.entries[i]
		if e.source != none && slices.Contains(packs, s.sources[e.source].pack) {
			n++
		}
	}
	for _, o := range loose {
		if s.entries[s.byID[o.ID]].source == none {
			n++
		}
	}
	return n
}

// leaveOthers lets everything stay where it is that is not of one pack.
func (s *repackSet) leaveOthers(source int32) {
	for i := range s.entries {
		if e := &s.entries[i]; e.source != source && e.to != toNowhere {
			e.to = toStay
		}
	}
}
