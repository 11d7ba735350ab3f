package contracttest

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// holdable is how long the payloads must be together for a stream that no caller
// reads to stay open: what the buffers on the way hold, in chunks of few bytes.
const holdable = 16 << 10

// heldExport is an export whose stream is read when the case wants it to be.
type heldExport struct {
	id     string
	first  *contractpb.ExportResponse
	stream exportStream
	cancel context.CancelFunc
}

// hold opens an export, reads the header, and reads nothing more.
func (s *session) hold(ctx context.Context, a state, request *contractpb.ExportRequest) (*heldExport, error) {
	// The smallest window of grpc, which does not grow.
	connection, err := s.connect(grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	if err != nil {
		return nil, err
	}
	if request.GetOperationId() == "" {
		request.OperationId = s.operation()
	}

	// Short chunks cost more than their bytes and fill the window soon.
	request.MaxChunkBytes = uint32(max(a.size()/holdable, 1))
	ctx, cancel := context.WithCancel(ctx)
	stream, err := contractpb.NewAppStateClient(connection).Export(ctx, request)
	if err != nil {
		cancel()
		return nil, err
	}

	first, err := stream.Recv()
	if err != nil {
		cancel()
		return nil, err
	}
	if first.GetHeader() == nil {
		cancel()
		return nil, fmt.Errorf("the first message is no header")
	}
	return &heldExport{request.GetOperationId(), first, stream, cancel}, nil
}

// rest reads everything and returns the state that the stream shows.
func (h *heldExport) rest(s *session) (state, error) {
	all, err := drain(h.stream)
	if err != nil {
		return state{}, err
	}
	return s.joined(append([]*contractpb.ExportResponse{h.first}, all...))
}

// canHold skips a case when the state is too small for it.
func canHold(a state) error {
	if a.size() < holdable {
		return notRun(fmt.Sprintf("a state of at least %d bytes, this one has %d", holdable, a.size()))
	}
	return nil
}
