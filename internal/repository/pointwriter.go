package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// PointWriter makes one restore point: payloads of applications as they come, of
// several at once, and with [PointWriter.Save] all the rest. Payloads go to disk
// piece by piece. Nothing of it can be seen before Save returns; if Save is never
// called nothing is there.
type PointWriter struct {
	repo   *Repository
	keys   *keyring.Keys
	sealer *seal.Sealer
	edit   *gitsync.Edit

	mu    sync.Mutex
	begun map[appbur.AppKey]map[string]*payloadWriter
	whole []appbur.AppState
	// earlier are the points that pieces may be taken over from, newest first, and points what they hold.
	earlier []PointRef
	points  []appbur.RestorePoint
	// pins keep the points that this one takes something over from.
	pins []*gitsync.Pin
	// sequence is that of the new point.
	sequence int
	// known are the applications that earlier points know.
	known   []KnownApp
	last    appbur.RestorePoint
	notices []string
}

// Notices are what somebody should look at, and what stops no backup: a clock that
// contradicts the points, and points that were taken away.
func (w *PointWriter) Notices() []string { return w.notices }

// Last is the newest earlier point, the zero value if there is none: about as much as it
// holds is to be expected now.
func (w *PointWriter) Last() appbur.RestorePoint { return w.last }

// Known are the applications that earlier points know, by name.
func (w *PointWriter) Known() []KnownApp { return slices.Clone(w.known) }

// Missing are those of them that are not among the given ones: without them the point
// will be partial.
func (w *PointWriter) Missing(held []appbur.AppKey) []appbur.MissingApp {
	return missingFrom(w.known, held)
}

func (w *PointWriter) notice(earlier Catalog, now time.Time) error {
	if len(earlier.Points) > 0 {
		if text := ClockNotice(now, earlier.Points[0].Created); text != "" {
			w.notices = append(w.notices, text)
		}
	}
	var latest PointRef
	if at := slices.IndexFunc(earlier.Points, func(p appbur.RestorePoint) bool { return !p.Partial }); at >= 0 {
		latest = earlier.Refs[at]
	}
	err := w.repo.CheckLatest(latest, w.keys.Dir, nil)
	if errors.Is(err, ErrRewritten) {
		w.notices, err = append(w.notices, err.Error()), nil
	}
	return err
}

// BeginPoint starts a restore point. Payloads of sensitive datasets are encrypted
// to the recipients of the repository.
func (r *Repository) BeginPoint(keys *keyring.Keys, random io.Reader, now func() time.Time) (*PointWriter, error) {
	sealer, err := seal.NewSealer(r.config.Recipients, keys.FingerprintKey(), random, now)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", appbur.RepositoryFile, err)
	}
	w := &PointWriter{repo: r, keys: keys, sealer: sealer, begun: map[appbur.AppKey]map[string]*payloadWriter{}}
	earlier, err := r.ownCatalog(keys)
	if err != nil {
		return nil, err
	}
	w.earlier, w.points = earlier.Refs, earlier.Points
	for _, point := range earlier.Points {
		w.sequence = max(w.sequence, point.Sequence+1)
	}
	w.sequence = max(w.sequence, 1)

	w.known = KnownApps(earlier.Points, r.config.Retired())
	if len(earlier.Points) > 0 {
		w.last = earlier.Points[0]
	}
	if err := w.notice(earlier, now()); err != nil {
		return nil, err
	}

	base, err := w.base()
	if err != nil {
		return nil, err
	}
	if w.edit, err = r.git.Edit(base); err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

// Discard gives up what was streamed in. After [PointWriter.Save] there is nothing
// left to give up, so it can be deferred.
func (w *PointWriter) Discard() {
	w.edit.Discard()
	w.release()
}

// release lets the points go that this one was built on. A pin that cannot be released
// is removed by the next writer.
func (w *PointWriter) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, pin := range w.pins {
		_ = pin.Release(context.Background())
	}
	w.pins = nil
}

// base is the point whose files the new one is likely to have again: what is equal
// is not stored twice. A point that cannot be read, or that lacks something, must not
// stop the next one or pass its holes on, so it is not built on.
func (w *PointWriter) base() (gitsync.Hash, error) {
	for _, ref := range w.earlier {
		if _, err := w.repo.Describe(ref); err != nil {
			continue
		}
		switch whole, err := w.rely(ref, builtOn...); {
		case err != nil:
			return gitsync.Hash{}, err
		case whole:
			return ref.Commit, nil
		}
	}
	return gitsync.Hash{}, nil
}

// rely pins a point and then looks whether it is still there and has all the files of
// some directories. It may have been deleted since it was listed, and its files pruned;
// once it is pinned that can happen no more.
func (w *PointWriter) rely(ref PointRef, dirs ...string) (whole bool, err error) {
	// The wait for the lock is bounded by itself.
	pin, err := w.repo.git.Pin(context.Background(), ref.Commit)
	switch {
	case errors.Is(err, gitsync.ErrObjectNotFound) || errors.Is(err, gitsync.ErrCorrupt):
		return false, nil
	case err != nil:
		return false, err
	}

	tag, err := w.repo.git.Tip(ref.refName())
	whole = err == nil && tag == ref.object()
	for _, dir := range dirs {
		whole = whole && w.repo.git.Present(ref.Commit, dir) == nil
	}
	if !whole {
		return false, pin.Release(context.Background())
	}
	w.pins = append(w.pins, pin)
	return true, nil
}

// borrow takes the pieces of a dataset over from a point that is not the one that the
// new point is built on: the application was not part of that one. It only saves room,
// so what is not there is written again.
func (w *PointWriter) borrow(ref PointRef, dir string) error {
	if ref.Commit == w.edit.Base() {
		return nil
	}
	whole, err := w.rely(ref, dir)
	if err != nil || !whole {
		return err
	}
	return w.edit.Borrow(ref.Commit, dir)
}

// builtOn are the directories of a point that it has mostly in common with the
// point before.
var builtOn = []string{appbur.AppsDir, appbur.IndexDir}

// Dataset begins the payload of a dataset and returns where its bytes go. Of the
// dataset, what is known before the first byte counts: name, schema, media type, key
// and whether it is sensitive.
func (w *PointWriter) Dataset(app appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error) {
	for _, part := range []struct{ what, name string }{{"namespace", app.Namespace}, {"application", app.Name}, {"dataset", d.Name}} {
		if err := validAppPart(part.what, part.name); err != nil {
			return nil, err
		}
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun[app][d.Name] != nil {
		return nil, fmt.Errorf("application %s: dataset %s comes twice", app, d.Name)
	}
	dir := datasetDir(app, d.Name)
	ref, previous := w.previous(dir)
	if previous != nil {
		if err := w.borrow(ref, dir); err != nil {
			return nil, fmt.Errorf("application %s: %w", app, err)
		}
	}

	if !d.Sensitive {
		previous = nil // it is what sealed pieces are compared with
	}
	writer, err := newPayloadWriter(app, d, w.sealer, w.edit, previous)
	if err != nil {
		return nil, fmt.Errorf("application %s: %w", app, err)
	}
	if w.begun[app] == nil {
		w.begun[app] = map[string]*payloadWriter{}
	}
	w.begun[app][d.Name] = writer
	return writer, nil
}

// previous is the newest point that has something in a directory, nil if none has. It
// only saves work, so what cannot be read is passed over.
func (w *PointWriter) previous(dir string) (PointRef, *gitsync.Snapshot) {
	for _, ref := range w.earlier {
		snapshot, err := w.repo.git.Snapshot(ref.Commit)
		if err != nil {
			continue
		}
		found := false
		err = snapshot.Walk(dir, func(string, gitsync.Hash) error {
			found = true
			return nil
		})
		if err == nil && found {
			return ref, snapshot
		}
	}
	return PointRef{}, nil
}

// Application adds an application whose export has arrived completely. Its datasets are
// those that [PointWriter.Dataset] began; what was stored must be what the
// application says that it sent.
func (w *PointWriter) Application(state appbur.AppState) error {
	w.mu.Lock()
	defer w.mu.Unlock()

	state.Datasets = slices.Clone(state.Datasets)
	for i := range state.Datasets {
		d := &state.Datasets[i]
		writer := w.begun[state.AppKey][d.Name]
		if writer == nil || !writer.closed {
			return fmt.Errorf("application %s: dataset %s did not arrive", state.AppKey, d.Name)
		}
		if writer.err != nil {
			return fmt.Errorf("application %s: %w", state.AppKey, writer.err)
		}
		stored := writer.dataset
		if err := sameBytes(stored, *d); err != nil {
			return fmt.Errorf("application %s, dataset %s: %w", state.AppKey, d.Name, err)
		}
		d.SealedDigest = nil
		if stored.Sensitive {
			var err error
			if d.SealedDigest, err = w.sealer.SealPiece([]byte(stored.Digest.String()), w.sealedBefore(state.AppKey, d.Name)); err != nil {
				return fmt.Errorf("application %s, dataset %s: %w", state.AppKey, d.Name, err)
			}
		}
		d.Key, d.Sensitive, d.MediaType = stored.Key, stored.Sensitive, stored.MediaType
		d.Layout, d.Pieces = stored.Layout, stored.Pieces
	}

	w.whole = append(w.whole, state)
	return nil
}

// sameBytes demands that what was stored is what an application says that it sent.
func sameBytes(stored, said appbur.Dataset) error {
	if stored.Size != said.Size {
		return fmt.Errorf("%d bytes were stored, the application said %d", stored.Size, said.Size)
	}
	if stored.Digest != said.Digest {
		said.Sensitive = stored.Sensitive
		return otherDigest(said, stored.Digest)
	}
	return nil
}

// finish leaves the payloads of complete applications in the edit, and no others.
func (w *PointWriter) finish() ([]appbur.AppState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.whole, func(a, b appbur.AppState) int { return strings.Compare(a.String(), b.String()) })
	var files []string
	for _, app := range w.whole {
		for _, d := range app.Datasets {
			for _, piece := range d.Pieces {
				files = append(files, datasetDir(app.AppKey, d.Name)+"/"+piece)
			}
		}
	}
	if len(w.whole) > 0 {
		if _, err := w.edit.Put(payloadAttributesFile, []byte(payloadAttributes)); err != nil {
			return nil, err
		}
		files = append(files, payloadAttributesFile)
	}
	return w.whole, keepFiles(w.edit, appbur.AppsDir, files)
}

// keepFiles removes all files of a directory but the given ones.
func keepFiles(edit *gitsync.Edit, dir string, files []string) error {
	kept := make(map[string]bool, len(files))
	for _, file := range files {
		kept[file] = true
	}
	present, err := edit.Paths(dir)
	if err != nil {
		return err
	}
	for _, file := range present {
		if kept[file] {
			continue
		}
		if _, err := edit.Remove(file); err != nil {
			return err
		}
	}
	return nil
}
