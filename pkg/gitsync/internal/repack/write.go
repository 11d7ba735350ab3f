package repack

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Writer writes the entries of a set that go one way into one pack.
type Writer struct {
	Set     *Set
	Objects *pack.Store
	To      destination
	// Search says that deltas are looked for; otherwise everything is taken as it is.
	Search bool
	out    *pack.Writer
	buffer []byte
	Deltas int
}

// Write writes and publishes the pack, which is held until those that it replaces are
// gone. There is none if no entry goes this way.
func (w *Writer) Write(ctx context.Context) (published *pack.Pack, hold *pack.Hold, err error) {
	var roots []int32
	count := 0
	for i := range w.Set.Entries {
		e := &w.Set.Entries[i]
		if e.To != w.To {
			continue
		}
		count++
		if e.base == none {
			roots = append(roots, int32(i))
		}
	}

	if count == 0 {
		return nil, nil, nil
	}
	slices.SortFunc(roots, func(a, b int32) int { return compareEntriesForPack(&w.Set.Entries[a], &w.Set.Entries[b]) })

	if w.out, err = pack.Create(w.Objects.PackDir(), count); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			w.out.Discard()
		}
	}()
	if err := w.writeRoots(ctx, roots); err != nil {
		return nil, nil, err
	}

	var beside []pack.SideFile
	if w.Search {
		beside = append(beside, pack.SideFile{Ending: ".rev", Encode: func(objects []pack.IndexEntry, sum []byte) []byte {
			return pack.EncodeSideFile(pack.ReverseMagic, pack.ReverseOrder(objects), sum)
		}})
	}
	if w.To == ToCruft {
		beside = append(beside, pack.SideFile{Ending: ".mtimes", Encode: w.mtimes})
	}
	if published, hold, err = w.out.Publish(beside...); err != nil {
		return nil, nil, err
	}
	published.Cruft, published.Searched = w.To == ToCruft, w.Search
	return published, hold, nil
}

func (w *Writer) mtimes(objects []pack.IndexEntry, sum []byte) []byte {
	words := make([]uint32, len(objects))
	for i, o := range objects {
		words[i] = w.Set.Entries[w.Set.ByID[o.ID]].Time
	}
	return pack.EncodeSideFile(pack.MtimesMagic, words, sum)
}

// compareEntriesForPack is the order of a pack: what is read together is
// together. Commits come first and newest first; versions of a file are neighbours.
func compareEntriesForPack(a, b *Entry) int {
	if c := cmp.Compare(kindOrder[a.Kind], kindOrder[b.Kind]); c != 0 || a.Kind == plumbing.CommitObject {
		return cmp.Or(c, cmp.Compare(a.order, b.order))
	}
	return cmp.Or(
		cmp.Compare(a.name, b.name),
		cmp.Compare(a.path, b.path),
		cmp.Compare(a.order, b.order),
		cmp.Compare(b.size, a.size),
		bytes.Compare(a.ID[:], b.ID[:]),
	)
}

var kindOrder = map[plumbing.ObjectType]int{
	plumbing.CommitObject: 0, plumbing.TagObject: 1, plumbing.TreeObject: 2, plumbing.BlobObject: 3,
}

// writeRoots writes the entries that are stored in full, again so or as changes of ones
// before them, each with what is stored as a change of it.
func (w *Writer) writeRoots(ctx context.Context, roots []int32) error {
	return w.Set.prepare(ctx, w.Objects, roots, w.Search, func(p prepared) error {
		e := &w.Set.Entries[p.at]
		e.written = w.out.Offset

		if p.base == none {
			if len(w.out.Objects) == 0 {
				p.compressed = pack.Vary(p.compressed, w.out.File.Name())
			}
			if err := w.out.AddEntry(e.ID, p.header, p.compressed); err != nil {
				return err
			}
			w.Set.wrote()
			return w.writeChanges(p.at)
		}

		w.Deltas++
		if err := w.out.AddDelta(e.ID, p.size, w.Set.Entries[p.base].written, p.compressed); err != nil {
			return err
		}
		w.Set.wrote()
		return w.writeChanges(p.at)
	})
}

// writeChanges writes what is stored as changes of an entry, and changes of those,
// as they lie in their packs.
func (w *Writer) writeChanges(root int32) error {
	queue := []int32{w.Set.Entries[root].child}
	for len(queue) > 0 {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if at == none {
			continue
		}
		e := &w.Set.Entries[at]
		queue = append(queue, e.sibling, e.child)
		packed, err := w.Set.packed(e, w.buffer)
		if err != nil {
			return err
		}
		w.buffer = packed
		_, rest, err := splitEntry(packed)
		if err != nil {
			return w.Set.Sources[e.source].reader.Damaged(e.offset, err)
		}
		e.written = w.out.Offset
		if err := w.out.AddDelta(e.ID, int(e.size), w.Set.Entries[e.base].written, rest); err != nil {
			return err
		}
		w.Set.wrote()
	}

	return nil
}

// splitEntry parts a packed entry into its header and its compressed bytes.
func splitEntry(packed []byte) (header, compressed []byte, err error) {
	in := bytes.NewReader(packed)
	kind, _, err := pack.ReadEntryHeader(in)
	if err != nil {
		return nil, nil, err
	}
	switch kind {
	case plumbing.OFSDeltaObject:
		_, err = pack.ReadBaseDistance(in)
	case plumbing.REFDeltaObject:
		_, err = in.Seek(int64(pack.HashSize), io.SeekCurrent)
	}
	if err != nil || in.Len() == 0 {
		return nil, nil, fmt.Errorf("entry is cut off: %w", err)
	}
	at := len(packed) - in.Len()
	return packed[:at], packed[at:], nil
}
