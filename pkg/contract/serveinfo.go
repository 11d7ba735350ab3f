package contract

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

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
		Limits: &contractpb.Limits{MaxChunkBytes: maxChunkSize, MaxRowBytes: maxRowSize},
	}
	for _, d := range s.datasets {
		response.Datasets = append(response.Datasets, d.describe())
	}
	return response, nil
}

func (d *definition) describe() *contractpb.DatasetInfo {
	info := &contractpb.DatasetInfo{
		Name: d.Name, Description: d.Description, Schema: d.schema.String(), Reads: d.reads.String(), MediaType: MediaType,
		Key: d.Key, Sensitive: d.Sensitive, DependsOn: d.DependsOn,
	}
	for _, s := range d.steps {
		upcast := &contractpb.Upcast{From: s.from.String(), To: s.to.String()}
		for _, c := range s.Changes {
			upcast.Changes = append(upcast.Changes, &contractpb.Change{
				Op: wireOps[c.Op], Path: c.Path, To: c.To, ValueJson: string(c.Value), Reason: c.Reason,
			})
		}
		info.Upcasts = append(info.Upcasts, upcast)
	}
	return info
}

var wireOps = map[ChangeOp]contractpb.Change_Op{
	OpRename: contractpb.Change_OP_RENAME,
	OpMove:   contractpb.Change_OP_MOVE,
	OpAdd:    contractpb.Change_OP_ADD,
	OpDrop:   contractpb.Change_OP_DROP,
	OpMap:    contractpb.Change_OP_MAP,
}

// recoverInto turns a crash of the application into an error of the one call.
// The stack goes to the log, never over the wire.
func (s *service) recoverInto(ctx context.Context, call string, err *error) {
	r := recover()
	if r == nil {
		return
	}
	// The value of the panic may quote a row; its type does not.
	s.options.Log.ErrorContext(ctx, "the application crashed", "call", call, "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
	*err = NewError(ReasonPanic, "the application crashed during %s", call)
}
