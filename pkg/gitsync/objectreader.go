package gitsync

import (
	"fmt"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	// openPacks bounds how many packs an objectReader holds open.
	openPacks = 8
	// treeCacheSize bounds the trees that it remembers. A walk needs those of the
	// commit before.
	treeCacheSize = 16 << 20
)

// objectReader reads many objects that lie near one another, such as the commits and
// trees of a history: it holds packs open, looks first where the last object was,
// and keeps delta bases. Objects are proven as everywhere. It serves one goroutine.
type objectReader struct {
	objects *objectStore
	// open holds the packs in use, the last used first.
	open []*packReader

	trees     map[Hash][]byte
	treesSize int
}

func (o *objectReader) close() {
	for _, reader := range o.open {
		reader.close()
	}
	o.open = nil
}

// readAs returns the bytes of an object that must have a type. The caller must not
// change them.
func (o *objectReader) readAs(id Hash, kind plumbing.ObjectType) ([]byte, error) {
	if reader, offset := o.locate(id); reader != nil {
		object, err := reader.read(offset)
		if err != nil {
			return nil, fmt.Errorf("object %s: %w", id, err)
		}
		if object.kind != kind {
			return nil, fmt.Errorf("object %s is a %s, want a %s", id, object.kind, kind)
		}
		return object.data, prove(id, object)
	}
	// A loose object, or one whose pack was replaced meanwhile.
	return o.objects.readAs(id, kind)
}

// locate returns the open pack that holds an object; nil when there is none.
func (o *objectReader) locate(id Hash) (*packReader, int64) {
	for i, reader := range o.open {
		if offset, ok := reader.pack.index.find(id); ok {
			copy(o.open[1:i+1], o.open[:i])
			o.open[0] = reader
			return reader, offset
		}
	}

	p, offset, ok := o.objects.find(id)
	if !ok {
		return nil, 0
	}
	reader, err := p.open()
	if err != nil {
		return nil, 0
	}
	if len(o.open) == openPacks {
		o.open[openPacks-1].close()
		o.open = o.open[:openPacks-1]
	}
	o.open = append([]*packReader{reader}, o.open...)
	return reader, offset
}

// tree implements [treeSource].
func (o *objectReader) tree(id Hash) ([]byte, error) {
	if data, ok := o.trees[id]; ok || id == object.EmptyTree {
		return data, nil
	}
	data, err := o.readAs(id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	if o.treesSize += len(data); o.treesSize > treeCacheSize || o.trees == nil {
		o.trees, o.treesSize = map[Hash][]byte{}, len(data)
	}
	o.trees[id] = data
	return data, nil
}

func (o *objectReader) commit(h Hash) (Commit, error) {
	data, err := o.readAs(h, plumbing.CommitObject)
	if err != nil {
		return Commit{}, err
	}
	c, err := object.ParseCommit(data)
	if err != nil {
		return Commit{}, fmt.Errorf("commit %s: %w", h, err)
	}
	c.Hash = h
	return c, nil
}
