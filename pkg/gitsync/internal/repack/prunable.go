package repack

import (
	"cmp"
	"slices"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// IndexedSize is how much an object takes in the files beside its pack.
const IndexedSize = int64(pack.HashSize) + 12

// Prunable is what a step of a prune found, before it took anything away.
type Prunable struct {
	Packs int
	Bytes int64 // packed, of what is dropped from them
	Need  int64 // to write the next one anew
}

// prunablePack is a pack of a set that holds what is dropped.
type prunablePack struct {
	Pack    *pack.Pack
	Source  int32
	Dropped int
	Live    int64 // bytes that have to be written again
}

// PrunablePacks are the packs that hold what is dropped, the one first that needs the
// least room to be written anew.
func (s *Set) PrunablePacks() ([]prunablePack, Prunable) {
	packs := make([]prunablePack, len(s.Sources))
	for i, source := range s.Sources {
		packs[i] = prunablePack{Pack: source.Pack, Source: int32(i)}
	}
	var left Prunable
	for i := range s.Entries {
		e := &s.Entries[i]
		switch {
		case e.source == none:
		case e.To == ToNowhere:
			packs[e.source].Dropped++
			left.Bytes += e.length
		default:
			packs[e.source].Live += e.length
		}
	}

	packs = slices.DeleteFunc(packs, func(p prunablePack) bool { return p.Dropped == 0 })
	slices.SortStableFunc(packs, func(a, b prunablePack) int { return cmp.Compare(a.Live, b.Live) })
	left.Packs = len(packs)
	return packs, left
}

// OnlyIn counts the dropped objects of packs and loose files.
func (s *Set) OnlyIn(packs []*pack.Pack, loose []pack.Loose) int {
	n := 0
	for i := range s.Entries {
		e := &s.Entries[i]
		if e.source != none && slices.Contains(packs, s.Sources[e.source].Pack) {
			n++
		}
	}
	for _, o := range loose {
		if s.Entries[s.ByID[o.ID]].source == none {
			n++
		}
	}
	return n
}

// LeaveOthers lets everything stay where it is that is not of one pack.
func (s *Set) LeaveOthers(source int32) {
	for i := range s.Entries {
		if e := &s.Entries[i]; e.source != source && e.To != ToNowhere {
			e.To = toStay
		}
	}
}
