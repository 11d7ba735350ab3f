package contract

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// longestFingerprint is how many bytes a token may have.
const longestFingerprint = 128

// GetFingerprint implements the call of the contract.
func (s *service) GetFingerprint(ctx context.Context, request *contractpb.GetFingerprintRequest) (_ *contractpb.GetFingerprintResponse,
	err error,
) {
	defer s.recoverInto(ctx, "GetFingerprint", &err)
	source, ok := s.app.(Fingerprinter)
	if !ok {
		return nil, NewError(ReasonCapabilityMissing, "%s has no fingerprints", s.options.ID).With("capability", capabilityFingerprint)
	}
	names := request.GetDatasets()
	if len(names) == 0 {
		for _, d := range s.datasets {
			names = append(names, d.Name)
		}
	}

	response := &contractpb.GetFingerprintResponse{}
	for _, name := range names {
		f, err := s.fingerprint(ctx, source, name)
		if err != nil {
			return nil, err
		}
		response.Fingerprints = append(response.Fingerprints, f)
	}

	return response, nil
}

func (s *service) fingerprint(ctx context.Context, source Fingerprinter, dataset string) (*contractpb.Fingerprint, error) {
	d, err := s.dataset(dataset)
	if err != nil {
		return nil, err
	}
	token, err := source.Fingerprint(ctx, d.Name)
	if err != nil {
		return nil, appError(ReasonBackendUnavailable, fmt.Sprintf("taking the fingerprint of dataset %s", d.Name), d.Sensitive(), err)
	}
	if len(token) == 0 || len(token) > longestFingerprint {
		return nil, NewError(ReasonAppFailed, "dataset %s: a fingerprint has %d bytes, want 1 to %d", d.Name, len(token), longestFingerprint)
	}
	return &contractpb.Fingerprint{Dataset: d.Name, Token: token}, nil
}

// checkExpected refuses a guard that cannot be kept.
func (s *service) checkExpected(expected []*contractpb.Fingerprint) error {
	if len(expected) == 0 {
		return nil
	}
	if _, ok := s.app.(Fingerprinter); !ok {
		return NewError(ReasonCapabilityMissing, "%s has no fingerprints to compare", s.options.ID).With("capability", capabilityFingerprint)
	}
	for _, f := range expected {
		if _, err := s.dataset(f.GetDataset()); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget takes the fingerprints of what will be replaced, where there are
// any, and compares them with what the caller expects.
func (x *importSession) checkTarget(ctx context.Context, tx Transaction) ([]*contractpb.Fingerprint, error) {
	source, ok := x.service.app.(Fingerprinter)
	if within, better := tx.(Fingerprinter); better {
		source, ok = within, true
	}
	if !ok {
		return nil, nil
	}

	var before []*contractpb.Fingerprint
	for _, p := range x.parts {
		f, err := x.service.fingerprint(ctx, source, p.definition.Name)
		if err != nil {
			return nil, err
		}
		before = append(before, f)
	}

	for _, want := range x.expected {
		i := slices.IndexFunc(before, func(f *contractpb.Fingerprint) bool { return f.GetDataset() == want.GetDataset() })
		if i < 0 {
			// A dataset that is not replaced may be guarded as well.
			f, err := x.service.fingerprint(ctx, source, want.GetDataset())
			if err != nil {
				return nil, err
			}
			before, i = append(before, f), len(before)
		}
		if !bytes.Equal(before[i].GetToken(), want.GetToken()) {
			return nil, NewError(ReasonTargetChanged, "dataset %s changed since the import was planned", want.GetDataset()).With("dataset",
				want.GetDataset())
		}
	}

	return before, nil
}

// fingerprintsAfter takes the fingerprints of what was committed. The import has
// happened, so a failure only means that there are none.
func (x *importSession) fingerprintsAfter(ctx context.Context) []*contractpb.Fingerprint {
	source, ok := x.service.app.(Fingerprinter)
	if !ok {
		return nil
	}
	var after []*contractpb.Fingerprint
	for _, p := range x.parts {
		f, err := x.service.fingerprint(ctx, source, p.definition.Name)
		if err != nil {
			x.service.options.Log.WarnContext(ctx, "no fingerprint after an import", "operation", x.id, "error", err)
			return nil
		}
		after = append(after, f)
	}
	return after
}
