package gitsync

import (
	"os"
	"slices"
)

// rollUpTier is a size of packs of which there may be so many before the next
// commit puts them together.
type rollUpTier struct {
	objects int   // a pack has fewer
	bytes   int64 // and is smaller
	packs   int
}

func (t rollUpTier) takes(objects int, size int64) bool { return objects < t.objects && size < t.bytes }

// tier returns the packs of the last of some tiers that no earlier one takes.
// What maintenance wrote is left to maintenance: it would search it again.
func (s *objectStore) tier(tiers []rollUpTier) []*pack {
	var packs []*pack
	for _, p := range s.own() {
		size, err := p.bytes()
		if err != nil || p.cruft || p.kept.Load() || p.searched {
			continue
		}
		takes := func(t rollUpTier) bool { return t.takes(p.index.count, size) }
		if slices.IndexFunc(tiers, takes) == len(tiers)-1 {
			packs = append(packs, p)
		}
	}
	return packs
}

// bytes returns the size of a pack, which never changes.
func (p *pack) bytes() (int64, error) {
	if size := p.size.Load(); size > 0 {
		return size, nil
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return 0, err
	}
	p.size.Store(info.Size())
	return info.Size(), nil
}
