package contract

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// guarded lets calls through to the service that the guard allows. What the service
// does it leaves alone.
type guarded struct {
	*service
	guard Guard
}

// identify finds out who calls.
func (g guarded) identify(ctx context.Context) (Caller, error) {
	caller, err := g.guard.Identify(ctx, shown(ctx))
	switch {
	case err == nil && caller.May != nil:
		return caller, nil
	case err == nil, errors.Is(err, ErrNotIdentified):
		return Caller{}, status.Error(codes.Unauthenticated, "the call carries no credentials that the application accepts")
	default:
		return Caller{}, g.unsure(ctx, "finding out who calls", err)
	}
}

// unsure is the end of a call about which the guard could not decide. What the
// guard says goes to the log only, it was not written for strangers.
func (g guarded) unsure(ctx context.Context, doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		if cause := ctx.Err(); cause != nil {
			return status.FromContextError(cause).Err()
		}
	}
	g.options.Log.WarnContext(ctx, doing, "error", err)
	return NewError(ReasonBackendUnavailable, "%s failed; the log of the application says why", doing)
}

// rights returns which of the wanted rights a caller has. It fails when there is none.
func (g guarded) rights(ctx context.Context, caller Caller, wanted ...Right) ([]Right, error) {
	var has []Right
	for _, right := range wanted {
		ok, err := caller.May(ctx, right)
		if err != nil {
			return nil, g.unsure(ctx, "finding out what the caller may do", err)
		}
		if ok {
			has = append(has, right)
		}
	}
	if len(has) == 0 {
		g.options.Log.InfoContext(ctx, "a call was refused", "caller", caller.Name, "wanted", wanted)
		return nil, refused(wanted...)
	}
	return has, nil
}

func refused(wanted ...Right) error {
	names := make([]string, len(wanted))
	for i, right := range wanted {
		names[i] = string(right)
	}
	return status.Errorf(codes.PermissionDenied, "the caller is known, but may not %s", strings.Join(names, " or "))
}

func (g guarded) admit(ctx context.Context, wanted ...Right) ([]Right, error) {
	caller, err := g.identify(ctx)
	if err != nil {
		return nil, err
	}
	return g.rights(ctx, caller, wanted...)
}

// anyRight is for what is of use to both sides.
func (g guarded) anyRight(ctx context.Context) ([]Right, error) {
	return g.admit(ctx, RightExport, RightImport)
}

// Export needs the right to export.
func (g guarded) Export(request *contractpb.ExportRequest, stream exportStream) error {
	if _, err := g.admit(stream.Context(), RightExport); err != nil {
		return err
	}
	return g.service.Export(request, stream)
}

// Import needs the right to import.
func (g guarded) Import(stream importStream) error {
	if _, err := g.admit(stream.Context(), RightImport); err != nil {
		return err
	}
	return g.service.Import(stream)
}

// ReleaseExport needs the right to export.
func (g guarded) ReleaseExport(ctx context.Context, request *contractpb.ReleaseExportRequest) (*contractpb.ReleaseExportResponse, error) {
	if _, err := g.admit(ctx, RightExport); err != nil {
		return nil, err
	}
	return g.service.ReleaseExport(ctx, request)
}

// GetFingerprint needs the right to export.
func (g guarded) GetFingerprint(ctx context.Context, request *contractpb.GetFingerprintRequest) (*contractpb.GetFingerprintResponse,
	error,
) {
	if _, err := g.admit(ctx, RightExport); err != nil {
		return nil, err
	}
	return g.service.GetFingerprint(ctx, request)
}

// Verify needs the right to export.
func (g guarded) Verify(request *contractpb.VerifyRequest, stream grpc.ServerStreamingServer[contractpb.VerifyResponse]) error {
	if _, err := g.admit(stream.Context(), RightExport); err != nil {
		return err
	}
	return g.service.Verify(request, stream)
}

// rightFor is the right that an operation of a kind needs.
var rightFor = map[contractpb.OperationKind]Right{
	contractpb.OperationKind_OPERATION_KIND_EXPORT: RightExport,
	contractpb.OperationKind_OPERATION_KIND_IMPORT: RightImport,
}

// GetOperation needs the right of the operation's kind.
func (g guarded) GetOperation(ctx context.Context, request *contractpb.GetOperationRequest) (*contractpb.GetOperationResponse, error) {
	has, err := g.anyRight(ctx)
	if err != nil {
		return nil, err
	}
	response, err := g.service.GetOperation(ctx, request)
	if err != nil {
		return nil, err
	}
	if right := rightFor[response.GetOperation().GetKind()]; !slices.Contains(has, right) {
		return nil, refused(right)
	}
	return response, nil
}

// ListOperations shows the operations of those kinds that the caller may do.
func (g guarded) ListOperations(ctx context.Context, request *contractpb.ListOperationsRequest) (*contractpb.ListOperationsResponse,
	error,
) {
	has, err := g.anyRight(ctx)
	if err != nil {
		return nil, err
	}
	response, err := g.service.ListOperations(ctx, request)
	if err != nil {
		return nil, err
	}
	response.Operations = slices.DeleteFunc(response.GetOperations(), func(op *contractpb.Operation) bool {
		return !slices.Contains(has, rightFor[op.GetKind()])
	})
	return response, nil
}

// CancelOperation needs the right of every kind of operation that the id names
// for: an export and an import may have the same.
func (g guarded) CancelOperation(ctx context.Context, request *contractpb.CancelOperationRequest) (*contractpb.CancelOperationResponse,
	error,
) {
	has, err := g.anyRight(ctx)
	if err != nil {
		return nil, err
	}
	for _, op := range slices.Concat(g.ended.all(), g.exports.list(), g.imports.list()) {
		if right := rightFor[op.GetKind()]; op.GetId() == request.GetOperationId() && !slices.Contains(has, right) {
			return nil, refused(right)
		}
	}
	if g.operations.result(request.GetOperationId()) != nil && !slices.Contains(has, RightImport) {
		return nil, refused(RightImport)
	}
	return g.service.CancelOperation(ctx, request)
}

// besides guards what is served in addition to the contract: health is free, anything else
// needs a right.
func (g guarded) besides(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer g.recoverInto(stream.Context(), info.FullMethod, &err)
	if strings.HasPrefix(info.FullMethod, "/grpc.reflection.") {
		if _, err := g.anyRight(stream.Context()); err != nil {
			return err
		}
	}
	return handler(server, stream)
}
