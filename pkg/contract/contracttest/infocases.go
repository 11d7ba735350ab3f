package contracttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

func infoStable(ctx context.Context, s *session) error {
	var first *contractpb.GetInfoResponse
	for i := range s.config.Repeat {
		answer, err := s.stub.GetInfo(ctx, &contractpb.GetInfoRequest{ContractVersions: []string{contract.ContractVersion}})
		if err != nil {
			return fmt.Errorf("call %d: %w", i+1, err)
		}
		for _, d := range answer.GetDatasets() {
			// Estimates may change at any time.
			d.EstimatedRows, d.EstimatedBytes = 0, 0
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

// unknownField is a field that no version of the contract has so far.
var unknownField = protowire.AppendString(protowire.AppendTag(nil, 7777, protowire.BytesType), "of a later version")

func infoUnknown(ctx context.Context, s *session) error {
	info := &contractpb.GetInfoRequest{ContractVersions: []string{"v99", contract.ContractVersion, "v2"}}
	info.ProtoReflect().SetUnknown(unknownField)
	answer, err := s.stub.GetInfo(ctx, info)
	if err != nil {
		return fmt.Errorf("a GetInfo with an unknown field and unknown versions: %w", err)
	}
	if answer.GetContractVersion() != contract.ContractVersion {
		return fmt.Errorf("of v99, v2 and %s it chose %q", contract.ContractVersion, answer.GetContractVersion())
	}
	request := &contractpb.ExportRequest{}
	request.ProtoReflect().SetUnknown(unknownField)

	all, err := s.messages(ctx, request)
	if err != nil {
		return fmt.Errorf("an Export with an unknown field: %w", err)
	}
	before, err := s.joined(all)
	if err != nil {
		return err
	}

	r := s.raw(before)
	r.open.ProtoReflect().SetUnknown(unknownField)
	for _, d := range r.open.GetDatasets() {
		d.ProtoReflect().SetUnknown(unknownField)
	}
	if err := s.send(ctx, r); err != nil {
		return fmt.Errorf("an Import with unknown fields: %w", err)
	}
	return s.holds(ctx, before)
}

func infoNoCommonVersion(ctx context.Context, s *session) error {
	_, err := s.stub.GetInfo(ctx, &contractpb.GetInfoRequest{ContractVersions: []string{"v98", "v99"}})
	if err := refused(err, contract.ReasonNoCommonVersion); err != nil {
		return err
	}
	if m := read(err).metadata; m["caller"] != "v98,v99" || m["application"] == "" {
		return fmt.Errorf("the metadata is %v, want caller v98,v99 and the versions of the application", m)
	}
	_, err = s.stub.GetInfo(ctx, &contractpb.GetInfoRequest{})
	return refused(err, contract.ReasonInvalidRequest)
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
	if info.Limits.MaxParallelExports == 0 || info.Limits.MaxPayloadBytes == 0 {
		return errors.New("max_parallel_exports or max_payload_bytes is zero")
	}
	if info.Instance == "" || info.Version == "" {
		return errors.New("instance_id or app_version is empty")
	}
	var seen []string

	for _, d := range info.Datasets {
		if !d.Opaque() && len(d.Key) == 0 {
			return fmt.Errorf("dataset %s has no key", d.Name)
		}
		if d.MediaType == "" || d.Opaque() && len(d.Key) > 0 {
			return fmt.Errorf("dataset %s has media type %q and key %v", d.Name, d.MediaType, d.Key)
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

// healthInterval is how long health may lag behind the application.
const healthInterval = 15 * time.Second

func infoHealth(ctx context.Context, s *session) error {
	connection, err := s.connect()
	if err != nil {
		return err
	}

	checks := grpc_health_v1.NewHealthClient(connection)
	reports := func(want grpc_health_v1.HealthCheckResponse_ServingStatus) func(context.Context) error {
		return func(ctx context.Context) error {
			for _, service := range []string{"", contractpb.AppState_ServiceDesc.ServiceName} {
				answer, err := checks.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
				if err != nil {
					return fmt.Errorf("health of %q: %w", service, err)
				}
				if answer.GetStatus() != want {
					return fmt.Errorf("health of %q is %s, want %s", service, answer.GetStatus(), want)
				}
			}
			return nil
		}
	}
	if err := s.eventually(ctx, healthInterval, reports(grpc_health_v1.HealthCheckResponse_SERVING)); err != nil {
		return err
	}

	if s.instance.Backend == nil {
		s.note("whether health follows the backend was not looked at, for want of %s", s.named("Backend"))
		return nil
	}
	if err := s.instance.Backend(ctx, false); err != nil {
		return fmt.Errorf("taking the backend away: %w", err)
	}

	err = s.eventually(ctx, healthInterval, reports(grpc_health_v1.HealthCheckResponse_NOT_SERVING))
	if err == nil {
		// What the application is does not depend on its backend.
		_, err = s.client.Info(ctx)
	}
	if back := s.instance.Backend(ctx, true); back != nil {
		return errors.Join(err, fmt.Errorf("giving the backend back: %w", back))
	}
	if err != nil {
		return fmt.Errorf("without the backend: %w", err)
	}
	return s.eventually(ctx, healthInterval, reports(grpc_health_v1.HealthCheckResponse_SERVING))
}

func infoCapabilities(ctx context.Context, s *session) error {
	none := "unknown-" + s.operation()
	calls := []struct {
		capability, name string
		call             func() error
	}{
		{capabilityResume, "ReleaseExport", func() error {
			_, err := s.stub.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: none})
			return err
		}},
		{capabilityResume, "Export with resume", func() error {
			_, err := s.messages(ctx, &contractpb.ExportRequest{OperationId: none, Resume: &contractpb.ExportResume{SnapshotId: "x"}})
			return err
		}},
		{capabilityOperations, "GetOperation", func() error {
			_, err := s.stub.GetOperation(ctx, &contractpb.GetOperationRequest{OperationId: none})
			return err
		}},
		{capabilityOperations, "ListOperations", func() error {
			_, err := s.stub.ListOperations(ctx, &contractpb.ListOperationsRequest{})
			return err
		}},
		{capabilityOperations, "CancelOperation", func() error {
			_, err := s.stub.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: none})
			return err
		}},
		{capabilityFingerprint, "GetFingerprint", func() error {
			_, err := s.stub.GetFingerprint(ctx, &contractpb.GetFingerprintRequest{})
			return err
		}},
		{capabilityVerify, "Verify", func() error {
			_, err := s.client.Verify(ctx)
			return err
		}},
	}

	for _, c := range calls {
		err := c.call()
		if !s.info.Offers(c.capability) {
			if err := refused(err, contract.ReasonCapabilityMissing); err != nil {
				return fmt.Errorf("%s without %s: %w", c.name, c.capability, err)
			}
		} else if read(err).code == codes.Unimplemented {
			return fmt.Errorf("%s is offered by %s and not served: %w", c.name, c.capability, err)
		}
	}

	err := s.client.Connection().Invoke(ctx, "/"+contractpb.AppState_ServiceDesc.ServiceName+"/NoSuchCall", &contractpb.GetInfoRequest{},
		&contractpb.GetInfoResponse{})
	if code := read(err).code; code != codes.Unimplemented {
		return fmt.Errorf("a call that does not exist ended with %s, want %s", code, codes.Unimplemented)
	}
	return nil
}
