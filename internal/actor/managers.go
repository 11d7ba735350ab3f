package actor

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/appbur/appbur/pkg/manifest"
)

// Newest remembers of each object when a field manager wrote it last, in 12 bytes. That is all that is needed to tell which
// manager made the next write, and much less than the managers themselves. The zero value is not ready: use [NewNewest].
type Newest struct {
	seed maphash.Seed
	at   map[uint64]uint32
}

// NewNewest returns an empty memory.
func NewNewest() *Newest { return &Newest{seed: maphash.MakeSeed(), at: map[uint64]uint32{}} }

// See notes a state of an object and returns the managers whose time is later than all that was seen of it before. There may be
// none: a write that only takes fields away leaves no time, nor does one in the same second as the write
// before. The managers of the status are passed over, which no manifest has.
//
// Of an object that was never seen before all managers are later, if it is direct: then it was created just now. Otherwise
// nothing is known of when they wrote.
func (n *Newest) See(path string, managers []manifest.Manager, direct bool) []string {
	key := maphash.String(n.seed, path)
	before, known := n.at[key]
	newest := before
	var names []string
	for _, m := range managers {
		at := seconds(m.Time)
		if m.Subresource == "status" || at <= before {
			continue
		}
		newest = max(newest, at)
		if (known || direct) && m.Manager != "" && !slices.Contains(names, m.Manager) {
			names = append(names, m.Manager)
		}
	}
	if newest > 0 {
		n.at[key] = newest
	}
	slices.Sort(names)
	return names
}

// Forget drops an object that is gone.
func (n *Newest) Forget(path string) { delete(n.at, maphash.String(n.seed, path)) }

func seconds(t time.Time) uint32 {
	if t.Unix() < 0 || t.Unix() > 1<<32-1 {
		return 0
	}
	return uint32(t.Unix())
}
