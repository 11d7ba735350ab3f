package contract

import (
	"context"
	"slices"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// known lists every operation that can be reported, newest first. One that runs
// hides an ended one of the same id.
func (s *service) known() []*contractpb.Operation {
	all := slices.Concat(s.ended.all(), s.exports.list(), s.imports.list())
	seen := map[string]bool{}
	var list []*contractpb.Operation
	for _, op := range slices.Backward(all) {
		if !seen[op.GetId()] {
			seen[op.GetId()] = true
			list = append(list, op)
		}
	}
	slices.SortStableFunc(list, func(a, b *contractpb.Operation) int {
		return b.GetStarted().AsTime().Compare(a.GetStarted().AsTime())
	})
	return list
}

func (s *service) operation(id string) (*contractpb.Operation, error) {
	if err := checkOperationID(id); err != nil {
		return nil, err
	}
	for _, op := range s.known() {
		if op.GetId() == id {
			return op, nil
		}
	}
	// Results outlive restarts; what else was known of the operation does not.
	if result := s.operations.result(id); result != nil {
		return &contractpb.Operation{
			Id: id, Kind: contractpb.OperationKind_OPERATION_KIND_IMPORT, State: contractpb.OperationState_OPERATION_STATE_SUCCEEDED, Result: result,
		}, nil
	}
	return nil, NewError(ReasonUnknownOperation, "nothing is known of operation %s", id)
}

// GetOperation implements the call of the contract.
func (s *service) GetOperation(_ context.Context, request *contractpb.GetOperationRequest) (*contractpb.GetOperationResponse, error) {
	op, err := s.operation(request.GetOperationId())
	if err != nil {
		return nil, err
	}
	return &contractpb.GetOperationResponse{Operation: op}, nil
}

// ListOperations implements the call of the contract.
func (s *service) ListOperations(context.Context, *contractpb.ListOperationsRequest) (*contractpb.ListOperationsResponse, error) {
	return &contractpb.ListOperationsResponse{Operations: s.known()}, nil
}

// CancelOperation implements the call of the contract.
func (s *service) CancelOperation(_ context.Context, request *contractpb.CancelOperationRequest) (*contractpb.CancelOperationResponse,
	error,
) {
	id := request.GetOperationId()
	if err := checkOperationID(id); err != nil {
		return nil, err
	}
	if op, ok := s.exports.release(id, NewError(ReasonOperationCancelled, "the export was cancelled")); ok {
		return &contractpb.CancelOperationResponse{Operation: op}, nil
	}

	op, ok, err := s.imports.cancel(id)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		if op, err = s.operation(id); err != nil {
			return nil, err
		}
	}

	if op.GetKind() == contractpb.OperationKind_OPERATION_KIND_IMPORT && op.GetState() == contractpb.OperationState_OPERATION_STATE_SUCCEEDED {
		return nil, NewError(ReasonAlreadyCommitted, "import %s has taken effect", id)
	}
	return &contractpb.CancelOperationResponse{Operation: op}, nil
}
