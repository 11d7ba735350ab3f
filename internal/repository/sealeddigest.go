package repository

import (
	"errors"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/seal"
)

// The digest of a sensitive dataset is sealed in its text form, as a piece is: an age
// file behind one line, of the same length whatever the payload.

// sealedBefore is the sealed digest that a dataset had last, nil if none can be found.
// It only saves sealing anew, so what cannot be read is passed over.
func (w *PointWriter) sealedBefore(app appbur.AppKey, dataset string) []byte {
	for _, ref := range w.earlier {
		point, err := w.repo.Describe(ref)
		if err != nil {
			continue
		}
		if d := findDataset(point, app, dataset); d != nil {
			return d.SealedDigest
		}
	}
	return nil
}

func findDataset(point appbur.RestorePoint, key appbur.AppKey, name string) *appbur.Dataset {
	for _, app := range point.Apps {
		for i, d := range app.Datasets {
			if app.AppKey == key && d.Name == name {
				return &app.Datasets[i]
			}
		}
	}
	return nil
}

// openDigest fills in the digest of a dataset that has a sealed one. A digest that is
// known already must be the one that was sealed.
func openDigest(opener *seal.Opener, key appbur.AppKey, d appbur.Dataset) (appbur.Dataset, error) {
	if len(d.SealedDigest) == 0 {
		return d, nil
	}
	text, err := opener.OpenPiece(d.SealedDigest)
	if err != nil {
		return d, fmt.Errorf("application %s, dataset %s, digest: %w", key, d.Name, err)
	}
	digest, err := appbur.ParseDigest(string(text))
	if err != nil {
		// The error would quote what was sealed.
		return d, fmt.Errorf("application %s, dataset %s: what was sealed as its digest is none", key, d.Name)
	}
	if !d.Digest.IsZero() && d.Digest != digest {
		return d, fmt.Errorf("application %s, dataset %s: the digest is not the one that was sealed", key, d.Name)
	}
	d.Digest = digest
	return d, nil
}

// openDigests fills in the digests of all datasets of a point.
func (l *Loaded) openDigests() error {
	if l.opener == nil {
		return nil
	}
	for _, app := range l.Meta.Apps {
		for i, d := range app.Datasets {
			opened, err := openDigest(l.opener, app.AppKey, d)
			if err != nil {
				return err
			}
			app.Datasets[i] = opened
		}
	}
	return nil
}

// otherDigest is the error about bytes that do not have the digest of their dataset.
// It ends up in logs, so it shows no digest of a sensitive one.
func otherDigest(d appbur.Dataset, got appbur.Digest) error {
	if d.Sensitive {
		return errors.New("the payload does not have the digest that it was said to have")
	}
	return fmt.Errorf("the payload has digest %s, want %s", got, d.Digest)
}
