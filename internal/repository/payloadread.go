package repository

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// Payload opens the plain payload of a dataset. It is read piece by piece; one of
// them is in memory. The reader returns an error instead of io.EOF when the bytes
// are not those that were exported, so whoever reads to the end has the right ones.
func (l *Loaded) Payload(key appbur.AppKey, d appbur.Dataset) (io.ReadCloser, error) {
	if d.Sensitive && l.opener == nil {
		return nil, &keyring.Error{Err: because(ReasonSealedDataset, fmt.Errorf("dataset %s of %s is encrypted", d.Name, key))}
	}
	d, err := openDigest(l.opener, key, d)
	if err != nil {
		return nil, err
	}
	r := &payloadReader{
		snapshot: l.snapshot, opener: l.opener, dir: datasetDir(key, d.Name), dataset: d, hash: sha256.New(),
		what: fmt.Sprintf("application %s, dataset %s", key, d.Name),
	}
	// A wrong identity is better known before somebody begins to use the bytes.
	if r.advance(); r.err != nil && !errors.Is(r.err, io.EOF) {
		return nil, r.err
	}
	return r, nil
}

// payloadReader joins the pieces of a payload and checks the result.
type payloadReader struct {
	snapshot *gitsync.Snapshot
	opener   *seal.Opener
	dir      string
	what     string
	dataset  appbur.Dataset

	next  int
	piece []byte
	hash  hash.Hash
	size  int64
	err   error
}

// Read implements [io.Reader].
func (r *payloadReader) Read(p []byte) (int, error) {
	for r.err == nil && len(r.piece) == 0 {
		r.advance()
	}
	if r.err != nil {
		return 0, r.err
	}
	n := copy(p, r.piece)
	r.piece = r.piece[n:]
	return n, nil
}

// advance goes on to the next piece, or to the end.
func (r *payloadReader) advance() {
	if r.next == len(r.dataset.Pieces) {
		r.err = r.end()
		return
	}
	r.piece, r.err = r.read(r.dataset.Pieces[r.next])
	r.hash.Write(r.piece)
	r.size += int64(len(r.piece))
	r.next++
}

func (r *payloadReader) read(name string) ([]byte, error) {
	data, err := r.snapshot.ReadFile(path.Join(r.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: the piece %s is missing", r.what, name)
	}
	if err == nil && r.dataset.Sensitive {
		data, err = r.opener.OpenPiece(data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.what, err)
	}
	return data, nil
}

// end is io.EOF if all is as it was exported.
func (r *payloadReader) end() error {
	if got := appbur.Digest(r.hash.Sum(nil)); got != r.dataset.Digest {
		return fmt.Errorf("%s: %w", r.what, otherDigest(r.dataset, got))
	}
	if r.size != r.dataset.Size {
		return fmt.Errorf("%s: the payload has %d bytes, the restore point says %d", r.what, r.size, r.dataset.Size)
	}
	return io.EOF
}

// Close implements [io.Closer].
func (r *payloadReader) Close() error {
	r.piece, r.err = nil, fs.ErrClosed
	return nil
}
