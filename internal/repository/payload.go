package repository

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/pieces"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// payloadAttributes tell git that payloads are bytes: a checkout on a system with
// other line ends must not change them.
const (
	payloadAttributesFile = appbur.AppsDir + "/.gitattributes"
	payloadAttributes     = "* -text\n*.age -diff\n*.bin -diff\n"
)

// payloadWriter cuts the payload of one dataset, names and seals the pieces, and
// puts them into an edit. A few pieces are in memory at a time, whatever the size of
// the payload; the edit takes them to disk.
type payloadWriter struct {
	dir     string
	dataset appbur.Dataset
	sealer  *seal.Sealer
	edit    *gitsync.Edit
	// previous is the point before, for ciphertext that can stay; nil if there is none.
	previous *gitsync.Snapshot

	splitter pieces.Splitter
	names    map[string]bool
	hash     hash.Hash
	// work seals and compresses pieces beside the caller.
	work   errgroup.Group
	failed atomic.Bool
	err    error
	closed bool
}

// newPayloadWriter begins a payload. The dataset says what it is; its pieces, size,
// layout and digest are filled in.
func newPayloadWriter(app appbur.AppKey, d appbur.Dataset, sealer *seal.Sealer, edit *gitsync.Edit,
	previous *gitsync.Snapshot,
) (*payloadWriter, error) {
	layout := pieces.LayoutOf(d)
	d.Layout, d.Pieces, d.Size = &layout, []string{}, 0
	w := &payloadWriter{
		dir: datasetDir(app, d.Name), dataset: d, sealer: sealer, edit: edit, previous: previous,
		names: map[string]bool{}, hash: sha256.New(),
	}
	w.work.SetLimit(runtime.GOMAXPROCS(0))
	var seed uint64

	if d.Sensitive {
		// The sizes of sealed pieces can be seen. Without the seed they would tell
		// whether something that can be guessed is in them.
		seed = pieces.SeedOf(sealer.Mark("cuts", []byte(w.dir)))
	}
	var err error
	w.splitter, err = pieces.NewSplitter(layout, d.Key, seed)
	return w, err
}

// Write takes the next bytes of the payload.
func (w *payloadWriter) Write(data []byte) (int, error) {
	if w.err == nil && w.closed {
		w.err = errors.New("the payload has ended already")
	}
	if w.err != nil {
		return 0, w.err
	}
	w.hash.Write(data)
	w.dataset.Size += int64(len(data))
	if err := w.splitter.Split(data, w.emit); err != nil {
		return 0, w.fail(err)
	}
	return len(data), nil
}

// Close puts the last piece down and waits until all of them are stored.
func (w *payloadWriter) Close() error {
	if w.closed {
		return w.err
	}
	w.closed = true
	if w.err == nil {
		if err := w.splitter.Flush(w.emit); err != nil {
			_ = w.fail(err)
		}
	}
	if err := w.work.Wait(); err != nil && w.err == nil {
		_ = w.fail(err)
	}
	w.dataset.Digest = appbur.Digest(w.hash.Sum(nil))
	return w.err
}

func (w *payloadWriter) fail(err error) error {
	w.err = fmt.Errorf("dataset %s: %w", w.dataset.Name, err)
	return w.err
}

func (w *payloadWriter) emit(p pieces.Piece) error {
	if w.failed.Load() {
		return w.work.Wait()
	}
	name := w.name(p)
	w.dataset.Pieces = append(w.dataset.Pieces, name)
	w.work.Go(func() error {
		err := w.put(name, p.Data)
		if err != nil {
			w.failed.Store(true)
		}
		return err
	})
	return nil
}

// name gives a piece a name that no other one has.
func (w *payloadWriter) name(p pieces.Piece) string {
	suffix := ".ndjson"
	if w.dataset.Layout.Method == appbur.LayoutContent {
		suffix = ".bin"
	}

	base := p.Name()
	if w.dataset.Sensitive {
		// A key may be what is sensitive, an address for example.
		base, suffix = w.sealer.Mark(w.dir, p.Start), suffix+".age"
	}

	name := base + suffix
	for n := 2; w.names[name]; n++ {
		name = fmt.Sprintf("%s,%d%s", base, n, suffix)
	}
	w.names[name] = true
	return name
}

func (w *payloadWriter) put(name string, data []byte) error {
	if w.dataset.Sensitive {
		var before []byte
		if w.previous != nil {
			// What is missing or damaged is sealed anew.
			before, _ = w.previous.ReadFile(path.Join(w.dir, name))
		}
		sealed, err := w.sealer.SealPiece(data, before)
		if err != nil {
			return err
		}
		data = sealed
	}
	_, err := w.edit.Put(path.Join(w.dir, name), data)
	return err
}

var _ io.WriteCloser = (*payloadWriter)(nil)
