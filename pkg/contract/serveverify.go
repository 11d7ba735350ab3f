package contract

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Verify implements the call of the contract: it reads the state as an export does
// and says what it is, without sending it.
func (s *service) Verify(request *contractpb.VerifyRequest, stream grpc.ServerStreamingServer[contractpb.VerifyResponse]) (err error) {
	ctx := stream.Context()
	defer s.recoverInto(ctx, "Verify", &err)
	selected, err := s.selection(request.GetDatasets())
	if err != nil {
		return err
	}

	select {
	case s.verifies <- struct{}{}:
	default:
		return NewError(ReasonTooManyOperations, "%d verifications are under way, which is the limit", cap(s.verifies))
	}

	watch := newOperationWatch("", contractpb.OperationKind_OPERATION_KIND_UNSPECIFIED, s.options.Now)
	type outcome struct {
		result *contractpb.VerifyResult
		err    error
	}

	ended := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			<-s.verifies // not before the snapshot is closed
			ended <- o
		}()
		defer s.recoverInto(ctx, "Verify", &o.err)
		o.result, o.err = s.verify(ctx, selected, watch)
	}()

	beat := time.NewTicker(s.options.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case o := <-ended:
			if o.err != nil {
				return o.err
			}
			return stream.Send(&contractpb.VerifyResponse{Message: &contractpb.VerifyResponse_Result{Result: o.result}})
		case <-beat.C:
			if err := stream.Send(&contractpb.VerifyResponse{Message: &contractpb.VerifyResponse_Progress{Progress: watch.progress()}}); err != nil {
				return err
			}
		}
	}
}

func (s *service) verify(ctx context.Context, selected []*definition, watch *operationWatch) (_ *contractpb.VerifyResult, err error) {
	snapshot, err := s.app.Snapshot(ctx)
	if err != nil {
		return nil, appError(ReasonBackendUnavailable, "opening a snapshot", false, err)
	}
	defer func() {
		if closed := snapshot.Close(); closed != nil && err == nil {
			err = appError(ReasonAppFailed, "closing the snapshot", s.sensitive(), closed)
		}
	}()
	result := &contractpb.VerifyResult{}

	for _, d := range selected {
		watch.at(contractpb.Phase_PHASE_VERIFYING, d.Name)
		count := newTally()
		read := readRows
		if d.opaque() {
			read = readOpaque
		}
		if err := read(ctx, snapshot, d, count, watch.count, func([]byte) error { return nil }); err != nil {
			return nil, err
		}
		digest := count.digest()
		result.Datasets = append(result.Datasets, &contractpb.DatasetTrailer{
			Dataset: d.Name, Rows: uint64(count.rows), Bytes: uint64(count.size), Sha256: digest[:],
		})
	}

	if v, ok := s.app.(Verifier); ok {
		if result.Problems, err = v.Verify(ctx); err != nil {
			return nil, appError(ReasonAppFailed, "checking the state", s.sensitive(), err)
		}
	}
	return result, nil
}
