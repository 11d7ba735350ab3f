package repository

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/pieces"
	"github.com/appbur/appbur/pkg/gitsync"
)

// DatasetChange is a dataset that differs between two points.
type DatasetChange struct {
	App     appbur.AppKey
	Dataset string
	// From and To are the datasets, nil where there is none.
	From, To *appbur.Dataset
	// Pieces counts the pieces of To that From does not have, byte for byte.
	Pieces int
	// Rows says how many rows differ; nil where that cannot be told: the payload is
	// encrypted, has no rows, or has them by different keys.
	Rows *RowCounts
}

// RowCounts are rows by what became of them.
type RowCounts struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
}

// DiffDatasets lists the datasets that differ between two points, in the order of To
// and then those that only From has. It reads the pieces that differ and no others,
// one of each point at a time. Sensitive datasets count as changed when their
// ciphertext differs, as after a rotation of keys.
func (r *Repository) DiffDatasets(from, to PointRef) ([]DatasetChange, error) {
	before, err := r.side(from)
	if err != nil {
		return nil, err
	}
	after, err := r.side(to)
	if err != nil {
		return nil, err
	}
	var list []DatasetChange

	for _, app := range after.point.Apps {
		for _, d := range app.Datasets {
			was := before.dataset(app.AppKey, d.Name)
			equal, err := samePayload(before, after, app.AppKey, was, &d)
			if err != nil {
				return nil, fmt.Errorf("application %s, dataset %s: %w", app.AppKey, d.Name, err)
			}
			if equal {
				continue
			}
			change, err := diffDataset(before, after, app.AppKey, was, &d)
			if err != nil {
				return nil, fmt.Errorf("application %s, dataset %s: %w", app.AppKey, d.Name, err)
			}
			list = append(list, change)
		}
	}

	for _, app := range before.point.Apps {
		for _, d := range app.Datasets {
			if after.dataset(app.AppKey, d.Name) == nil {
				list = append(list, DatasetChange{App: app.AppKey, Dataset: d.Name, From: &d})
			}
		}
	}

	return list, nil
}

// side is one of the two points of a comparison.
type side struct {
	point    appbur.RestorePoint
	snapshot *gitsync.Snapshot
}

func (r *Repository) side(ref PointRef) (side, error) {
	point, err := r.Describe(ref)
	if err != nil {
		return side{}, err
	}
	snapshot, err := r.git.Snapshot(ref.Commit)
	return side{point, snapshot}, err
}

func (s side) dataset(key appbur.AppKey, name string) *appbur.Dataset {
	return findDataset(s.point, key, name)
}

// samePayload reports whether two points have the same bytes in a dataset, as far as
// that shows without decrypting: what was sealed anew counts as different.
func samePayload(before, after side, key appbur.AppKey, from, to *appbur.Dataset) (bool, error) {
	switch {
	case from == nil || from.Schema != to.Schema || from.Size != to.Size || from.Sensitive != to.Sensitive:
		return false, nil
	case !from.Digest.IsZero() && !to.Digest.IsZero():
		return from.Digest == to.Digest, nil
	case len(from.SealedDigest) > 0 && bytes.Equal(from.SealedDigest, to.SealedDigest):
		return true, nil
	}
	// One of the points is older than sealed digests, or a digest was sealed anew. A
	// piece that is the same when encrypted is the same.
	old, err := before.pieces(key, from)
	if err != nil {
		return false, err
	}
	current, err := after.pieces(key, to)
	return slices.Equal(old, current), err
}

// pieces are the blobs of a dataset in the order of the payload.
func (s side) pieces(key appbur.AppKey, d *appbur.Dataset) ([]gitsync.Hash, error) {
	if d == nil {
		return nil, nil
	}
	dir := datasetDir(key, d.Name)
	byName := map[string]gitsync.Hash{}
	err := s.snapshot.Walk(dir, func(path string, blob gitsync.Hash) error {
		byName[path[len(dir)+1:]] = blob
		return nil
	})
	if err != nil {
		return nil, err
	}

	blobs := make([]gitsync.Hash, len(d.Pieces))
	for i, name := range d.Pieces {
		if blobs[i] = byName[name]; blobs[i].IsZero() {
			return nil, fmt.Errorf("restore point %s: the piece %s is missing", s.point.ID, name)
		}
	}

	return blobs, nil
}

func diffDataset(before, after side, key appbur.AppKey, from, to *appbur.Dataset) (DatasetChange, error) {
	change := DatasetChange{App: key, Dataset: to.Name, From: from, To: to}
	old, err := before.pieces(key, from)
	if err != nil {
		return change, err
	}

	current, err := after.pieces(key, to)
	if err != nil {
		return change, err
	}
	added := without(current, old)
	change.Pieces = len(added)
	if from == nil || from.Sensitive || to.Sensitive || len(to.Key) == 0 || !slices.Equal(from.Key, to.Key) ||
		from.MediaType != appbur.MediaTypeRows || to.MediaType != appbur.MediaTypeRows {
		return change, nil
	}

	// Rows of pieces that both have are equal, and a key is there once: they need not
	// be looked at.
	fields, err := pieces.NewKeyFields(to.Key)
	if err != nil {
		return change, err
	}
	change.Rows, err = countRows(newKeyedRows(before.snapshot, without(old, current), fields), newKeyedRows(after.snapshot, added, fields))
	if errors.Is(err, errNotInOrder) {
		change.Rows, err = nil, nil
	}
	return change, err
}

// without returns the blobs of a that are not in b.
func without(a, b []gitsync.Hash) []gitsync.Hash {
	other := make(map[gitsync.Hash]bool, len(b))
	for _, blob := range b {
		other[blob] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(blob gitsync.Hash) bool { return other[blob] })
}

// countRows walks two lists of rows, both in the order of their keys, side by side.
func countRows(old, current *keyedRows) (*RowCounts, error) {
	var counts RowCounts
	for _, rows := range []*keyedRows{old, current} {
		if err := rows.advance(); err != nil {
			return nil, err
		}
	}

	for old.row != nil || current.row != nil {
		order := 0
		switch {
		case old.row == nil:
			order = 1
		case current.row == nil:
			order = -1
		default:
			order = old.key.Compare(current.key)
		}
		switch {
		case order < 0:
			counts.Removed++
		case order > 0:
			counts.Added++
		case !bytes.Equal(old.row, current.row):
			counts.Changed++
		}
		if order <= 0 {
			if err := old.advance(); err != nil {
				return nil, err
			}
		}
		if order >= 0 {
			if err := current.advance(); err != nil {
				return nil, err
			}
		}
	}

	return &counts, nil
}

// errNotInOrder means that rows cannot be compared: they have no keys, or are not in
// the order of keys.
var errNotInOrder = errors.New("the rows are not in the order of their keys")

// keyedRows reads the rows of some pieces.
type keyedRows struct {
	snapshot *gitsync.Snapshot
	blobs    []gitsync.Hash
	fields   pieces.KeyFields
	reader   *bufio.Reader

	// row is the one that was read last, nil after the end.
	row []byte
	key pieces.Key
}

func newKeyedRows(snapshot *gitsync.Snapshot, blobs []gitsync.Hash, fields pieces.KeyFields) *keyedRows {
	return &keyedRows{snapshot: snapshot, blobs: blobs, fields: fields}
}

func (k *keyedRows) advance() error {
	for {
		if k.reader == nil {
			if len(k.blobs) == 0 {
				k.row = nil
				return nil
			}
			data, err := k.snapshot.Blob(k.blobs[0])
			if err != nil {
				return err
			}
			k.blobs, k.reader = k.blobs[1:], bufio.NewReader(bytes.NewReader(data))
		}

		row, err := k.reader.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(row) == 0 {
			k.reader = nil
			continue
		}

		text, ok := k.fields.AppendKey(nil, row)
		if !ok {
			return errNotInOrder
		}
		key := pieces.ParseKey(text)
		if k.row != nil && k.key.Compare(key) >= 0 {
			return errNotInOrder
		}
		k.row, k.key = row, key
		return nil
	}
}
