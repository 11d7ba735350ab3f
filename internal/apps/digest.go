package apps

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/contract"
)

// liveDigest sums up what an application exports, without the fields whose
// content cannot be predicted.
type liveDigest struct {
	sum     hash.Hash
	without []string
	pending []byte
}

func newLiveDigest(without []string) *liveDigest {
	return &liveDigest{sum: sha256.New(), without: without}
}

// Write implements [io.Writer]. Chunks may cut rows.
func (d *liveDigest) Write(data []byte) (int, error) {
	if len(d.without) == 0 {
		return d.sum.Write(data)
	}
	d.pending = append(d.pending, data...)
	for {
		line, rest, whole := bytes.Cut(d.pending, []byte{'\n'})
		if !whole {
			return len(data), nil
		}
		if err := d.line(line); err != nil {
			return 0, err
		}
		d.pending = rest
	}
}

func (d *liveDigest) line(line []byte) error {
	row, err := payload.DecodeRow(line)
	if err != nil {
		return fmt.Errorf("reading a row of the export: %w", err)
	}
	for _, field := range d.without {
		delete(row, field)
	}
	encoded, err := payload.EncodeRow(row)
	if err != nil {
		return fmt.Errorf("reading a row of the export: %w", err)
	}
	canonical, err := contract.Canonical(encoded)
	if err != nil {
		return fmt.Errorf("reading a row of the export: %w", err)
	}
	d.sum.Write(canonical)
	d.sum.Write([]byte{'\n'})
	return nil
}

func (d *liveDigest) digest() appbur.Digest { return appbur.Digest(d.sum.Sum(nil)) }
