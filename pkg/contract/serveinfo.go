package contract

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// GetInfo implements the call of the contract.
func (s *service) GetInfo(ctx context.Context, request *contractpb.GetInfoRequest) (_ *contractpb.GetInfoResponse, err error) {
	defer s.recoverInto(ctx, "GetInfo", &err)
	offered := request.GetContractVersions()
	if len(offered) == 0 {
		return nil, NewError(ReasonInvalidRequest, "contract_versions is empty")
	}
	if !slices.Contains(offered, ContractVersion) {
		return nil, NewError(ReasonNoCommonVersion, "the caller speaks %s, the application %s", strings.Join(offered, ", "), ContractVersion).
			With("caller", strings.Join(offered, ",")).With("application", ContractVersion)
	}

	response := &contractpb.GetInfoResponse{
		ContractVersion: ContractVersion, AppId: s.options.ID, AppVersion: s.options.Version, InstanceId: s.instance,
		Capabilities: s.capabilities(),
		Limits: &contractpb.Limits{
			MaxChunkBytes: maxChunkSize, MaxRowBytes: uint64(s.options.MaxRowBytes), MaxPayloadBytes: uint64(s.options.MaxPayloadBytes),
			MaxParallelExports: uint32(s.options.MaxExports), ExportLease: durationpb.New(max(s.options.ExportLease, 0)),
			ImportLease: durationpb.New(max(s.options.ImportLease, 0)), OperationRetention: durationpb.New(operationRetention),
		},
	}

	for _, d := range s.datasets {
		info := d.describe()
		s.estimate(ctx, info)
		response.Datasets = append(response.Datasets, info)
	}
	return response, nil
}

// The capabilities that a server of this package may offer.
const (
	capabilityResume      = "resume.v1"
	capabilityOperations  = "operations.v1"
	capabilityVerify      = "verify.v1"
	capabilityFingerprint = "fingerprint.v1"
)

func (s *service) capabilities() []string {
	list := []string{capabilityOperations, capabilityVerify}
	if s.options.ExportLease > 0 {
		list = append(list, capabilityResume)
	}
	if _, ok := s.app.(Fingerprinter); ok {
		list = append(list, capabilityFingerprint)
	}
	slices.Sort(list)
	return list
}

// estimate adds what the application guesses. A guess that fails is left out:
// GetInfo works before the application is ready.
func (s *service) estimate(ctx context.Context, info *contractpb.DatasetInfo) {
	e, ok := s.app.(Estimator)
	if !ok {
		return
	}
	rows, size, err := s.guess(ctx, e, info.GetName())
	if err != nil {
		s.options.Log.DebugContext(ctx, "no estimate", "dataset", info.GetName(), "error", s.discreet(err))
		return
	}
	info.EstimatedRows, info.EstimatedBytes = uint64(max(rows, 0)), uint64(max(size, 0))
}

// guess calls for an estimate and survives a crash.
func (s *service) guess(ctx context.Context, e Estimator, dataset string) (rows, size int64, err error) {
	defer s.recoverInto(ctx, "GetInfo", &err)
	return e.Estimate(ctx, dataset)
}

func (d *definition) describe() *contractpb.DatasetInfo {
	info := &contractpb.DatasetInfo{
		Name: d.Name, Description: d.Description, Schema: d.schema.String(), Reads: d.reads.String(), MediaType: d.mediaType(),
		Key: d.Key, Sensitive: d.Sensitive(), DependsOn: d.DependsOn, Required: d.Required, UnknownFields: unknownFieldsSent[d.UnknownFields],
	}
	for _, s := range d.steps {
		upcast := &contractpb.Upcast{From: s.from.String(), To: s.to.String()}
		for _, c := range s.Changes {
			upcast.Changes = append(upcast.Changes, &contractpb.Change{
				Op: opsSent[c.Op], Path: c.Path, To: c.To, ValueJson: string(c.Value), Reason: c.Reason,
			})
		}
		info.Upcasts = append(info.Upcasts, upcast)
	}
	for _, f := range d.Defaults {
		info.Defaults = append(info.Defaults, &contractpb.FieldDefault{Field: f.Field, ValueJson: string(f.Value)})
	}
	return info
}

var unknownFieldsSent = map[UnknownFields]contractpb.UnknownFields{
	ReportUnknown: contractpb.UnknownFields_UNKNOWN_FIELDS_REPORT,
	RefuseUnknown: contractpb.UnknownFields_UNKNOWN_FIELDS_REFUSE,
}

var opsSent = map[ChangeOp]contractpb.Change_Op{
	OpRename: contractpb.Change_OP_RENAME,
	OpMove:   contractpb.Change_OP_MOVE,
	OpAdd:    contractpb.Change_OP_ADD,
	OpDrop:   contractpb.Change_OP_DROP,
	OpMap:    contractpb.Change_OP_MAP,
}

// recoverInto turns a crash of the application into an error of the one call.
// The stack goes to the log, never to the caller.
func (s *service) recoverInto(ctx context.Context, call string, err *error) {
	if r := recover(); r != nil {
		s.crashed(ctx, call, r, err)
	}
}

func (s *service) crashed(ctx context.Context, call string, r any, err *error) {
	// The value of the panic may quote a row; its type does not.
	s.options.Log.ErrorContext(ctx, "the application crashed", "call", call, "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
	*err = NewError(ReasonPanic, "the application crashed during %s", call)
}
