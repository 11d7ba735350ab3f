package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// ExportRequest requests a snapshot.
type ExportRequest struct {
	// OperationID is the caller's; see [NewOperationID].
	OperationID string
	// Datasets wanted; none means all. What they depend on comes along.
	Datasets []string
	// MaxChunkBytes is the longest chunk wanted; 0 leaves it to the application.
	MaxChunkBytes int
	// Progress, when set, is called with the progress, one call at a time.
	Progress func(Progress)
}

// Export streams one consistent snapshot into the sink. It returns nil only when
// everything that the application announced has arrived and agrees with its
// checksums, and the call ended well. A stream that breaks is taken up again where
// it broke, with bytes of the same snapshot, when the application offers that. After an error the content of the sink is
// worth nothing.
func (c *Client) Export(ctx context.Context, r ExportRequest, sink Sink) (_ ExportResult, err error) {
	if err := checkOperationID(r.OperationID); err != nil {
		return ExportResult{}, err
	}
	if r.MaxChunkBytes < 0 || r.MaxChunkBytes > maxChunkSize {
		return ExportResult{}, fmt.Errorf("exporting: chunks of %d bytes: want at most %d", r.MaxChunkBytes, maxChunkSize)
	}

	receiver := &receiver{request: &contractpb.ExportRequest{
		OperationId: r.OperationID, Datasets: r.Datasets, MaxChunkBytes: uint32(r.MaxChunkBytes),
	}, sink: sink, progress: r.Progress}
	defer func() {
		if abandoned := receiver.abandon(); err != nil {
			err = errors.Join(err, abandoned)
		}
		c.release(ctx, receiver)
	}()

	attempts := retries{chunk: r.MaxChunkBytes}
	if attempts.chunk == 0 {
		attempts.chunk = chunkSize
	}

	for {
		before := receiver.received
		c.reconnect(ctx)
		err := c.exportOnce(ctx, receiver)
		switch {
		case err == nil:
			return receiver.result, nil
		case ctx.Err() != nil || !cut(err) || !receiver.resumable():
			return ExportResult{}, err
		case !attempts.again(ctx, receiver.received > before):
			return ExportResult{}, err
		}
		receiver.request.MaxChunkBytes = uint32(attempts.chunk)
	}
}

// exportOnce reads one stream: the complete export, or what a broken one left.
func (c *Client) exportOnce(ctx context.Context, receiver *receiver) error {
	// Cancelling on return ends the stream on every path.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	receiver.again()
	stream, err := c.calls.Export(ctx, receiver.request)
	if err != nil {
		return fromStatus("exporting from the application", c.address, err)
	}

	for {
		message, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && receiver.finished:
			return nil
		case errors.Is(err, io.EOF):
			return incomplete(c.address, errors.New("no trailer came"))
		case err != nil:
			return fromStatus("exporting from the application", c.address, err)
		}
		err = receiver.take(message)
		if chunk := message.GetChunk(); chunk != nil {
			recycle(chunk)
		}
		if err != nil {
			var own *sinkError
			if errors.As(err, &own) {
				return fmt.Errorf("storing an export: %w", own.err)
			}
			return violation(c.address, err)
		}
	}
}

// releaseTimeout is how long a caller stays to say that it needs an export no more.
const releaseTimeout = 5 * time.Second

// release lets the application delete the export. It is a
// courtesy: the lease of the export ends by itself.
func (c *Client) release(ctx context.Context, r *receiver) {
	if !r.leased {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	_, _ = c.calls.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: r.request.GetOperationId()})
}
