package gitsync

import (
	"cmp"
	"slices"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// indexedSize is how much an object takes in the files beside its pack.
const indexedSize = int64(pack.HashSize) + 12

// prunable is what a step of a prune found, before it took anything away.
type prunable struct {
	packs int
	bytes int64 // packed, of what is dropped from them
	need  int64 // to write the next one anew
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
