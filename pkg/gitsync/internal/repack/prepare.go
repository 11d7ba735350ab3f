package repack

import (
	"bytes"
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// prepared is an entry as it will be written.
type prepared struct {
	at int32
	// base is the entry that it becomes a change of, by a delta of size bytes before
	// compression; none for an entry that stays stored in full and has a header.
	base               int32
	size               int
	header, compressed []byte
}

// Entries are prepared in batches, each of which looks for deltas within itself
// alone: batches do not wait for one another, and what a pack holds does not depend
// on how many are prepared at once. A batch ends between two files, so that only
// likenesses of different files are missed, unless it becomes much too long.
const (
	batchEntries = 512
	batchBytes   = 4 << 20
	batchTooLong = 8 // times that
	// mostPreparers bounds the memory for windows of candidates.
	mostPreparers = 4
)

// batch is a run of entries in the order of the pack.
type batch struct {
	roots []int32
	made  []prepared
	ready chan struct{}
}

// prepare makes ready what is written of the roots, on all processors, and calls
// write for each one in their order.
func (s *Set) prepare(ctx context.Context, objects *pack.Store, roots []int32, search bool, write func(prepared) error) error {
	group, ctx := errgroup.WithContext(ctx)
	workers := min(runtime.GOMAXPROCS(0), mostPreparers)

	work, order := make(chan *batch), make(chan *batch, workers)
	group.Go(func() error {
		defer close(work)
		defer close(order)
		for len(roots) > 0 {
			b := &batch{ready: make(chan struct{})}
			b.roots, roots = s.cutBatch(roots)
			for _, to := range []chan<- *batch{order, work} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})

	for range workers {
		group.Go(func() error {
			p := preparer{set: s, objects: objects}
			if search {
				var err error
				if p.search, err = newDeltaSearch(windowBytes / workers); err != nil {
					return err
				}
			}
			for b := range work {
				if err := p.prepare(ctx, b); err != nil {
					return err
				}
				close(b.ready)
			}
			return nil
		})
	}

	group.Go(func() error {
		for b := range order {
			select {
			case <-b.ready:
			case <-ctx.Done():
				return ctx.Err()
			}
			for _, made := range b.made {
				if err := write(made); err != nil {
					return err
				}
			}
		}
		return nil
	})

	return group.Wait()
}

// cutBatch takes the next batch off the roots.
func (s *Set) cutBatch(roots []int32) (first, rest []int32) {
	size := int64(0)
	for i, at := range roots {
		if i > 0 {
			before, e := &s.Entries[roots[i-1]], &s.Entries[at]
			long := max(int64(i)/batchEntries, size/batchBytes)
			between := before.Kind != e.Kind || before.path != e.path
			if long >= batchTooLong || long > 0 && between {
				return roots[:i], roots[i:]
			}
		}
		size += max(s.Entries[at].size, s.Entries[at].length)
	}
	return roots, nil
}

// preparer prepares one batch after the other.
type preparer struct {
	set     *Set
	objects *pack.Store
	search  *deltaSearch // nil takes everything as it is
}

func (p *preparer) prepare(ctx context.Context, b *batch) error {
	if p.search != nil {
		p.search.forget()
	}
	b.made = make([]prepared, 0, len(b.roots))
	for _, at := range b.roots {
		if err := ctx.Err(); err != nil {
			return err
		}
		made, err := p.root(at)
		if err != nil {
			return err
		}
		b.made = append(b.made, made)
	}
	return nil
}

// root prepares an entry that is stored in full.
func (p *preparer) root(at int32) (prepared, error) {
	e := &p.set.Entries[at]
	if e.source == none || e.size == 0 {
		// A file of its own, or a change that lost its base.
		o, err := p.set.read(p.objects, e)
		if err != nil {
			return prepared{}, err
		}
		e.size = int64(len(o.Data))
		whole, err := pack.Deflate(e.ID, o.Kind, o.Data)
		if err != nil {
			return prepared{}, err
		}
		e.length = int64(len(whole.Zlib))
		if made, err := p.change(at, o.Data); made.base != none || err != nil {
			return made, err
		}
		return prepared{at: at, base: none, header: pack.EntryHeader(whole.Kind, whole.Size), compressed: whole.Zlib}, nil
	}

	packed, err := p.set.packed(e, nil)
	if err != nil {
		return prepared{}, err
	}
	header, rest, err := splitEntry(packed)
	if err != nil {
		return prepared{}, p.set.Sources[e.source].reader.Damaged(e.offset, err)
	}

	if p.search != nil && p.search.wants(e) {
		data, err := pack.Inflate(bytes.NewReader(rest), e.size)
		if err != nil {
			return prepared{}, p.set.Sources[e.source].reader.Damaged(e.offset, err)
		}
		if err := pack.Prove(e.ID, pack.RawObject{Kind: e.Kind, Data: data}); err != nil {
			return prepared{}, err
		}
		if made, err := p.change(at, data); made.base != none || err != nil {
			return made, err
		}
	}

	return prepared{at: at, base: none, header: header, compressed: rest}, nil
}

// change prepares an entry as a change of another if a good one is found.
func (p *preparer) change(at int32, data []byte) (prepared, error) {
	if p.search == nil {
		return prepared{base: none}, nil
	}
	found, err := p.search.find(p.set, at, data)
	if err != nil || found.base == none {
		return prepared{base: none}, err
	}
	p.set.Entries[at].depth = p.set.Entries[found.base].depth + 1
	return prepared{at: at, base: found.base, size: found.size, compressed: found.compressed}, nil
}
