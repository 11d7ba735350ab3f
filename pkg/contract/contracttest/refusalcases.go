package contracttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/appbur/appbur/pkg/contract"
)

func importDamaged(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}

	// The emptied state may have no chunk left; then the before one is damaged.
	damaged := other
	if _, err := other.last(); err != nil {
		damaged = before
	}

	for _, honest := range []bool{false, true} {
		r := s.raw(damaged)
		chunk := r.chunks[len(r.chunks)-1]
		chunk.Data[len(chunk.Data)/2] ^= 1
		if honest {
			chunk.Crc32C = checksum(chunk.Data)
		}
		err := s.send(ctx, r)
		if err := refused(err, contract.ReasonChecksumMismatch); err != nil {
			return fmt.Errorf("a flipped bit, checksum of the chunk adjusted %t: %w", honest, err)
		}
		if err := s.unchanged(ctx, before); err != nil {
			return err
		}
	}

	return nil
}

func importIncomplete(ctx context.Context, s *session) error {
	before, _, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	last, err := before.last()
	if err != nil {
		return err
	}

	bend := map[string]func(r *rawImport){
		"missing bytes": func(r *rawImport) {
			chunk := r.chunks[len(r.chunks)-1]
			chunk.Data = chunk.Data[:len(chunk.Data)/2]
			chunk.Crc32C = checksum(chunk.Data)
		},
		"a missing dataset": func(r *rawImport) {
			kept := r.chunks[:0]
			for _, c := range r.chunks {
				if c.GetDataset() != last {
					kept = append(kept, c)
				}
			}
			r.chunks = kept
		},
		"a dataset that was not announced": func(r *rawImport) {
			kept := r.open.GetDatasets()[:0]
			for _, d := range r.open.GetDatasets() {
				if d.GetName() != last {
					kept = append(kept, d)
				}
			}
			r.open.Datasets = kept
		},
		"no commit": func(r *rawImport) { r.commit = nil },
		"the commit of another manifest": func(r *rawImport) {
			r.commit.ManifestSha256[0] ^= 1
		},
	}

	for name, change := range bend {
		r := s.raw(before)
		change(r)
		err := s.send(ctx, r)
		if err := refused(err, contract.ReasonInvalidRequest); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := s.unchanged(ctx, before); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}

	return nil
}

// brokenLastRow returns the state with one line more that is no row, and the
// number of that line.
func brokenLastRow(a state) (state, int, error) {
	last, err := a.last()
	if err != nil {
		return state{}, 0, err
	}
	payload := append(bytes.Clone(a.payload(last)), "{\"\n"...)
	return a.with(last, payload), bytes.Count(payload, []byte("\n")), nil
}

func importInvalidRow(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}

	// Everything before the bad row differs from the before state, so that any of
	// it that stays is seen.
	if _, err := s.apply(ctx, other); err != nil {
		return err
	}
	broken, row, err := brokenLastRow(before)
	if err != nil {
		return err
	}

	_, err = s.apply(ctx, broken)
	if err := refused(err, contract.ReasonPayloadInvalid); err != nil {
		return err
	}
	last, _ := before.last()
	var e *contract.Error
	if errors.As(err, &e) && (e.Metadata["dataset"] != last || e.Metadata["row"] != strconv.Itoa(row)) {
		return fmt.Errorf("the error names dataset %q, row %q; it was dataset %s, row %d", e.Metadata["dataset"], e.Metadata["row"], last, row)
	}
	return s.unchanged(ctx, other)
}

func importUnreadable(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	foreign := s.request(other)
	foreign.SourceApp = "not-" + foreign.SourceApp

	tests := []struct {
		request contract.ImportRequest
		reason  contract.Reason
	}{
		{s.request(other.reschemed("999999.0")), contract.ReasonSchemaTooNew},
		{s.request(other.reschemed("0.0")), contract.ReasonSchemaTooOld},
		{foreign, contract.ReasonWrongApp},
	}

	for _, test := range tests {
		_, err := s.client.Import(ctx, test.request)
		if err := refused(err, test.reason); err != nil {
			return err
		}
		if err := s.unchanged(ctx, before); err != nil {
			return fmt.Errorf("%s: %w", test.reason, err)
		}
	}

	return nil
}
