package gitsync

import (
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Blobs reads many blobs that are versions of one another, which is faster than
// one by one through [Snapshot.Blob]: packs stay open, and what the versions share
// is read once. It serves one goroutine and must be closed.
type Blobs struct{ reader pack.BatchReader }

// Blobs returns a reader of blobs.
func (r *Repository) Blobs() *Blobs { return &Blobs{pack.BatchReader{Objects: r.objects}} }

// Read returns the content of a blob, nothing for the empty Hash. It must not be
// changed.
func (b *Blobs) Read(h Hash) ([]byte, error) {
	if h.IsZero() {
		return nil, nil
	}
	return b.reader.ReadAs(h, plumbing.BlobObject)
}

// Close closes the open packs.
func (b *Blobs) Close() { b.reader.Close() }
