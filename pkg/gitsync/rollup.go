package gitsync

import (
	"context"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/repack"
)

// rollUpTiers keep the number of packs small between two maintenances, at a cost
// that no commit notices: every 32nd copies some hundred kilobytes, every 1024th
// some megabytes. What is larger waits for [Repository.Maintain].
var rollUpTiers = []pack.Tier{
	{Objects: 256, Bytes: 256 << 10, Packs: 32},
	{Objects: 8192, Bytes: 4 << 20, Packs: 32},
}

// rollUp puts small packs together, as they are, without a search for deltas. The
// caller holds the writer's lock and has done what it was asked for, so a failure
// here is no failure of his: packs stay as they are, and the next commit tries
// again. During a maintenance nothing is rolled up.
func (r *Repository) rollUp(ctx context.Context) {
	for i, tier := range rollUpTiers {
		packs := r.objects.Tier(rollUpTiers[:i+1])
		if len(packs) <= tier.Packs || ctx.Err() != nil {
			continue
		}
		if r.rollUpPacks(ctx, packs) != nil {
			return
		}
	}
}

func (r *Repository) rollUpPacks(ctx context.Context, packs []*pack.Pack) error {
	done, err := r.lockMaintenance(ctx, false)
	if err != nil {
		return err
	}
	defer done()
	set, err := repack.Open(packs, nil)
	if err != nil {
		return err
	}
	defer set.Close()
	set.Link()
	w := &repack.Writer{Set: set, Objects: r.objects, To: repack.ToPack}
	made, hold, err := w.Write(ctx)
	defer hold.Release()
	if err != nil || made == nil {
		return err
	}
	return r.objects.Retire(packs, nil, []*pack.Pack{made})
}
