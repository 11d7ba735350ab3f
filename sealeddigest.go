package appbur

import (
	"encoding/json"
	"errors"
)

// A plain digest of something short is as good as the thing itself to whoever can
// guess: they hash their guesses and compare. That of a sensitive dataset is
// therefore encrypted where it is stored, and left out wherever else a description
// of the dataset goes: plans, reports, what commands print as JSON.

// MarshalJSON implements [json.Marshaler]. It leaves the digest of a sensitive
// dataset out, so that no document can hold it by accident.
func (d Dataset) MarshalJSON() ([]byte, error) {
	type fields Dataset // the same without this method
	if d.Sensitive {
		d.Digest = Digest{}
	}
	return json.Marshal(fields(d))
}

// wantDigest refuses a dataset without the digest that it must have in a format, in
// the form that it must have there.
func (d Dataset) wantDigest(format int) error {
	sealed := len(d.SealedDigest) > 0
	switch {
	case format < firstSealedDigestFormat && sealed:
		return errors.New("it has a sealed digest, which its format does not know")
	case format < firstSealedDigestFormat:
		return nil
	case d.Sensitive && !d.Digest.IsZero():
		return errors.New("it is sensitive, and its digest is not sealed")
	case d.Sensitive != sealed:
		return errors.New("a dataset has a sealed digest if it is sensitive, and only then")
	case !d.Sensitive && d.Digest.IsZero():
		return errors.New("it has no digest")
	}
	return nil
}
