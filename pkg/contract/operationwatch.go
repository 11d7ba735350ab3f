package contract

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// operationWatch is what others may know of an operation while it runs.
type operationWatch struct {
	now func() time.Time

	mu sync.Mutex
	op *contractpb.Operation
}

func newOperationWatch(id string, kind contractpb.OperationKind, now func() time.Time) *operationWatch {
	at := timestamppb.New(now())
	return &operationWatch{now: now, op: &contractpb.Operation{
		Id: id, Kind: kind, State: contractpb.OperationState_OPERATION_STATE_RUNNING, Started: at, Updated: at,
	}}
}

func (w *operationWatch) at(phase contractpb.Phase, dataset string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.op.Phase, w.op.Dataset, w.op.Rows = phase, dataset, 0
	w.op.Updated = timestamppb.New(w.now())
}

func (w *operationWatch) count(rows int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.op.Rows = uint64(rows)
}

func (w *operationWatch) state(state contractpb.OperationState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.op.State = state
	w.op.Updated = timestamppb.New(w.now())
}

// succeed keeps the result of an import.
func (w *operationWatch) succeed(result *contractpb.ImportResult) {
	w.state(contractpb.OperationState_OPERATION_STATE_SUCCEEDED)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.op.Result = result
}

// fail keeps why an operation ended early.
func (w *operationWatch) fail(err error) {
	state := contractpb.OperationState_OPERATION_STATE_FAILED
	var known *Error

	failure := &contractpb.Failure{Message: "the call ended"}
	switch {
	case errors.As(err, &known):
		failure = &contractpb.Failure{
			Code: uint32(known.Code), Message: known.Message, Metadata: known.Metadata,
			Reason: contractpb.Reason(contractpb.Reason_value["REASON_"+string(known.Reason)]),
		}
		if known.Reason == ReasonOperationCancelled {
			state = contractpb.OperationState_OPERATION_STATE_CANCELLED
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		state = contractpb.OperationState_OPERATION_STATE_CANCELLED
	}

	w.state(state)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.op.Error = failure
}

// progress is the same as a message.
func (w *operationWatch) progress() *contractpb.Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &contractpb.Progress{Phase: w.op.GetPhase(), Dataset: w.op.GetDataset(), Rows: w.op.GetRows()}
}

func (w *operationWatch) snapshot() *contractpb.Operation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return proto.CloneOf(w.op)
}

// endedOperations remembers how the last operations ended, for people who look
// later. What an import needs for its retry is in the operationLog.
type endedOperations struct {
	mu   sync.Mutex
	list []*contractpb.Operation // oldest first
}

func (e *endedOperations) add(op *contractpb.Operation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(slices.DeleteFunc(e.list, func(o *contractpb.Operation) bool { return o.GetId() == op.GetId() }), op)
	if len(e.list) > keptOperations {
		e.list = e.list[1:]
	}
}

func (e *endedOperations) all() []*contractpb.Operation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}
