package contracttest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// repetitions is how often calls that must be idempotent are repeated.
const repetitions = 10

func infoStable(ctx context.Context, s *session) error {
	var first *contractpb.GetInfoResponse
	for i := range repetitions {
		answer, err := s.wire.GetInfo(ctx, &contractpb.GetInfoRequest{ContractVersions: []string{contract.ContractVersion}})
		if err != nil {
			return fmt.Errorf("call %d: %w", i+1, err)
		}
		if first == nil {
			first = answer
		}
		if !proto.Equal(first, answer) {
			return fmt.Errorf("answer %d differs from the first", i+1)
		}
	}
	return nil
}

func infoWellFormed(ctx context.Context, s *session) error {
	// The client refuses bad names, zero limits, and ranges without the version
	// that is written.
	info, err := s.client.Info(ctx)
	if err != nil {
		return err
	}
	if len(info.Datasets) == 0 {
		return errors.New("there is no dataset")
	}
	var seen []string
	for _, d := range info.Datasets {
		if len(d.Key) == 0 {
			return fmt.Errorf("dataset %s has no key", d.Name)
		}
		if d.MediaType != contract.MediaType {
			return fmt.Errorf("dataset %s has media type %q, want %q", d.Name, d.MediaType, contract.MediaType)
		}
		for _, dependency := range d.DependsOn {
			if !slices.Contains(seen, dependency) {
				return fmt.Errorf("dataset %s depends on %q, which does not come before it", d.Name, dependency)
			}
		}
		seen = append(seen, d.Name)
	}
	return nil
}
