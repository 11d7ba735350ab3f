package pack

import (
	"os"
	"slices"
)

// Tier is a size of packs of which there may be so many before the next
// commit puts them together.
type Tier struct {
	Objects int   // a pack has fewer
	Bytes   int64 // and is smaller
	Packs   int
}

func (t Tier) takes(objects int, size int64) bool { return objects < t.Objects && size < t.Bytes }

// Tier returns the packs of the last of some tiers that no earlier one takes.
// What maintenance wrote is left to maintenance: it would search it again.
func (s *Store) Tier(tiers []Tier) []*Pack {
	var packs []*Pack
	for _, p := range s.Own() {
		size, err := p.Bytes()
		if err != nil || p.Cruft || p.Kept.Load() || p.Searched {
			continue
		}
		takes := func(t Tier) bool { return t.takes(p.Index.Count, size) }
		if slices.IndexFunc(tiers, takes) == len(tiers)-1 {
			packs = append(packs, p)
		}
	}
	return packs
}

// Bytes returns the size of a pack, which never changes.
func (p *Pack) Bytes() (int64, error) {
	if size := p.size.Load(); size > 0 {
		return size, nil
	}
	info, err := os.Stat(p.Path)
	if err != nil {
		return 0, err
	}
	p.size.Store(info.Size())
	return info.Size(), nil
}
