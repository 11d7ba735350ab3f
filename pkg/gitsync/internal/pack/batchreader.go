package pack

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

const (
	// openPacks bounds how many packs an BatchReader holds open.
	openPacks = 8
	// treeCacheSize bounds the trees that it remembers. A walk needs those of the
	// commit before.
	treeCacheSize = 16 << 20
)

// BatchReader reads many objects that lie near one another, such as the commits and
// trees of a history: it holds packs open, looks first where the last object was,
// and keeps delta bases. Objects are proven as everywhere. It serves one goroutine.
type BatchReader struct {
	Objects *Store
	// open holds the packs in use, the last used first.
	open []*Reader

	trees     map[object.Hash][]byte
	treesSize int
}

// Close closes the packs that were opened.
func (o *BatchReader) Close() {
	for _, reader := range o.open {
		reader.Close()
	}
	o.open = nil
}

// ReadAs returns the bytes of an object that must have a type. The caller must not
// change them.
func (o *BatchReader) ReadAs(id object.Hash, kind plumbing.ObjectType) ([]byte, error) {
	if reader, offset := o.locate(id); reader != nil {
		object, err := reader.Read(offset)
		if err != nil {
			return nil, fmt.Errorf("object %s: %w", id, err)
		}
		if object.Kind != kind {
			return nil, fmt.Errorf("object %s is a %s, want a %s", id, object.Kind, kind)
		}
		return object.Data, Prove(id, object)
	}
	// A loose object, or one whose pack was replaced meanwhile.
	return o.Objects.ReadAs(id, kind)
}

// locate returns the open pack that holds an object; nil when there is none.
func (o *BatchReader) locate(id object.Hash) (*Reader, int64) {
	for i, reader := range o.open {
		if offset, ok := reader.Pack.Index.find(id); ok {
			copy(o.open[1:i+1], o.open[:i])
			o.open[0] = reader
			return reader, offset
		}
	}

	p, offset, ok := o.Objects.Find(id)
	if !ok {
		return nil, 0
	}
	reader, err := p.Open()
	if err != nil {
		return nil, 0
	}
	if len(o.open) == openPacks {
		o.open[openPacks-1].Close()
		o.open = o.open[:openPacks-1]
	}
	o.open = append([]*Reader{reader}, o.open...)
	return reader, offset
}

// Tree implements [treeSource].
func (o *BatchReader) Tree(id object.Hash) ([]byte, error) {
	if data, ok := o.trees[id]; ok || id == object.EmptyTree {
		return data, nil
	}
	data, err := o.ReadAs(id, plumbing.TreeObject)
	if err != nil {
		return nil, err
	}
	if o.treesSize += len(data); o.treesSize > treeCacheSize || o.trees == nil {
		o.trees, o.treesSize = map[object.Hash][]byte{}, len(data)
	}
	o.trees[id] = data
	return data, nil
}

// Commit reads a commit.
func (o *BatchReader) Commit(h object.Hash) (object.Commit, error) {
	data, err := o.ReadAs(h, plumbing.CommitObject)
	if err != nil {
		return object.Commit{}, err
	}
	c, err := object.ParseCommit(data)
	if err != nil {
		return object.Commit{}, fmt.Errorf("commit %s: %w", h, err)
	}
	c.Hash = h
	return c, nil
}
