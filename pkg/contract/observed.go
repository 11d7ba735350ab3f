package contract

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// observed is the outermost layer of the service: it logs and counts calls, and
// turns a crash of anything within into an error of the one call.
type observed struct {
	contractpb.AppStateServer
	service *service
}

// observation is one call.
type observation struct {
	service *service
	ctx     context.Context
	call    string
	started time.Time
}

// begin notes a call. request is nil when it has not come yet.
func (o observed) begin(ctx context.Context, call string, request proto.Message) *observation {
	s := o.service
	s.options.Metrics.CallBegan(call)
	if request != nil {
		s.options.Log.DebugContext(ctx, "a call began", "call", call, "request", printable{request})
	}
	return &observation{s, ctx, call, s.options.Now()}
}

// end is deferred.
func (o *observation) end(err *error) {
	if r := recover(); r != nil {
		o.service.crashed(o.ctx, o.call, r, err)
	}
	code, reason := verdict(*err)
	took := o.service.options.Now().Sub(o.started)
	o.service.options.Metrics.CallEnded(o.call, code, countable(reason), took)
	o.service.options.Log.DebugContext(o.ctx, "a call ended", "call", o.call, "code", code.String(), "reason", string(reason), "seconds",
		took.Seconds())
}

// verdict is what the caller gets, without its message.
func verdict(err error) (codes.Code, Reason) {
	var known *Error
	switch {
	case err == nil:
		return codes.OK, ""
	case errors.As(err, &known):
		return known.Code, known.Reason
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Code(), ""
	default:
		return status.Code(err), ""
	}
}

// GetInfo observes the call.
func (o observed) GetInfo(ctx context.Context, request *contractpb.GetInfoRequest) (_ *contractpb.GetInfoResponse, err error) {
	defer o.begin(ctx, "GetInfo", request).end(&err)
	return o.AppStateServer.GetInfo(ctx, request)
}

// Export observes the call and counts what is sent.
func (o observed) Export(request *contractpb.ExportRequest, stream exportStream) (err error) {
	defer o.begin(stream.Context(), "Export", request).end(&err)
	err = o.AppStateServer.Export(request, countedExport{stream, o.service.options.Metrics})
	if err == nil {
		o.service.options.Metrics.Succeeded(kindExport, o.service.options.Now())
	}
	return err
}

type countedExport struct {
	exportStream
	metrics Metrics
}

// Send counts what was sent.
func (c countedExport) Send(m *contractpb.ExportResponse) error {
	err := c.exportStream.Send(m)
	if err == nil {
		c.metrics.Transferred(kindExport, 0, int64(m.GetDatasetTrailer().GetRows()))
	}
	return err
}

// SendMsg counts what was sent: chunks do not go through Send.
func (c countedExport) SendMsg(m any) error {
	err := c.exportStream.SendMsg(m)
	if sent, ok := m.(*chunkMessage); ok && err == nil {
		c.metrics.Transferred(kindExport, int64(sent.buffer.Len()), 0)
	}
	return err
}

// Import observes the call and counts what comes. The rows are counted when the
// import has taken effect, which may be after the call.
func (o observed) Import(stream importStream) (err error) {
	defer o.begin(stream.Context(), "Import", nil).end(&err)
	return o.AppStateServer.Import(countedImport{stream, o.service})
}

type countedImport struct {
	importStream
	service *service
}

// Recv counts what came.
func (c countedImport) Recv() (*contractpb.ImportRequest, error) {
	m, err := c.importStream.Recv()
	if chunk := m.GetChunk(); chunk != nil {
		c.service.options.Metrics.Transferred(kindImport, int64(len(chunk.GetData())), 0)
	} else if err == nil {
		c.service.options.Log.DebugContext(c.Context(), "an import goes on", "request", printable{m})
	}
	return m, err
}

// ReleaseExport observes the call.
func (o observed) ReleaseExport(ctx context.Context, request *contractpb.ReleaseExportRequest) (_ *contractpb.ReleaseExportResponse,
	err error,
) {
	defer o.begin(ctx, "ReleaseExport", request).end(&err)
	return o.AppStateServer.ReleaseExport(ctx, request)
}

// GetFingerprint observes the call.
func (o observed) GetFingerprint(ctx context.Context, request *contractpb.GetFingerprintRequest) (_ *contractpb.GetFingerprintResponse,
	err error,
) {
	defer o.begin(ctx, "GetFingerprint", request).end(&err)
	return o.AppStateServer.GetFingerprint(ctx, request)
}

// Verify observes the call.
func (o observed) Verify(request *contractpb.VerifyRequest, stream grpc.ServerStreamingServer[contractpb.VerifyResponse]) (err error) {
	defer o.begin(stream.Context(), "Verify", request).end(&err)
	return o.AppStateServer.Verify(request, stream)
}

// GetOperation observes the call.
func (o observed) GetOperation(ctx context.Context, request *contractpb.GetOperationRequest) (_ *contractpb.GetOperationResponse,
	err error,
) {
	defer o.begin(ctx, "GetOperation", request).end(&err)
	return o.AppStateServer.GetOperation(ctx, request)
}

// ListOperations observes the call.
func (o observed) ListOperations(ctx context.Context, request *contractpb.ListOperationsRequest) (_ *contractpb.ListOperationsResponse,
	err error,
) {
	defer o.begin(ctx, "ListOperations", request).end(&err)
	return o.AppStateServer.ListOperations(ctx, request)
}

// CancelOperation observes the call.
func (o observed) CancelOperation(ctx context.Context, request *contractpb.CancelOperationRequest) (_ *contractpb.CancelOperationResponse,
	err error,
) {
	defer o.begin(ctx, "CancelOperation", request).end(&err)
	return o.AppStateServer.CancelOperation(ctx, request)
}
