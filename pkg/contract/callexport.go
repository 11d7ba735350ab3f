package contract

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// ExportRequest asks for a snapshot.
type ExportRequest struct {
	// OperationID is the caller's; see [NewOperationID].
	OperationID string
	// Datasets wanted; none means all. What they depend on comes along.
	Datasets []string
	// MaxChunkBytes is the longest chunk wanted; 0 leaves it to the application.
	MaxChunkBytes int
}

// Export streams one consistent snapshot into the sink. It returns nil only when
// everything that the application announced has arrived and agrees with its
// checksums, and the call ended well. After an error the content of the sink is
// worth nothing.
func (c *Client) Export(ctx context.Context, r ExportRequest, sink Sink) (_ ExportResult, err error) {
	if err := checkOperationID(r.OperationID); err != nil {
		return ExportResult{}, err
	}
	if r.MaxChunkBytes < 0 || r.MaxChunkBytes > maxChunkSize {
		return ExportResult{}, fmt.Errorf("exporting: chunks of %d bytes: want at most %d", r.MaxChunkBytes, maxChunkSize)
	}
	// Cancelling on return frees the application's snapshot on every path.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := &contractpb.ExportRequest{OperationId: r.OperationID, Datasets: r.Datasets, MaxChunkBytes: uint32(r.MaxChunkBytes)}
	stream, err := c.calls.Export(ctx, request)
	if err != nil {
		return ExportResult{}, fromStatus("exporting from the application", c.address, err)
	}
	receiver := &receiver{request: request, sink: sink}
	defer func() {
		if abandoned := receiver.abandon(); err != nil {
			err = errors.Join(err, abandoned)
		}
	}()
	for {
		message, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && receiver.finished:
			return receiver.result, nil
		case errors.Is(err, io.EOF):
			return ExportResult{}, incomplete(c.address, errors.New("no trailer came"))
		case err != nil:
			return ExportResult{}, fromStatus("exporting from the application", c.address, err)
		}
		if err := receiver.take(message); err != nil {
			var own *sinkError
			if errors.As(err, &own) {
				return ExportResult{}, fmt.Errorf("storing an export: %w", own.err)
			}
			return ExportResult{}, violation(c.address, err)
		}
	}
}
