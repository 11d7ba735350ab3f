package contract

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

type exportStream = grpc.ServerStreamingServer[contractpb.ExportResponse]

// Export implements the call of the contract.
func (s *service) Export(request *contractpb.ExportRequest, stream exportStream) (err error) {
	ctx := stream.Context()
	defer s.recoverInto(ctx, "Export", &err)
	if err := checkOperationID(request.GetOperationId()); err != nil {
		return err
	}
	if request.GetResume() != nil {
		if err := s.checkResume(); err != nil {
			return err
		}
	}
	var x *exportSession
	var number int

	if request.GetResume() == nil {
		var selected []*definition
		if selected, err = s.selection(request.GetDatasets()); err != nil {
			return err
		}
		x, number, err = s.exports.open(ctx, request.GetOperationId(), selected)
	} else {
		x, number, err = s.exports.resume(request.GetOperationId(), request.GetResume())
	}

	if err != nil {
		return err
	}
	defer func() { s.exports.detach(x, number, err) }()
	limit := int64(request.GetMaxChunkBytes())
	if limit == 0 {
		limit = chunkSize
	}
	out := &exportOut{
		service: s, session: x, number: number, stream: stream, limit: min(limit, maxChunkSize),
		beat: time.NewTimer(s.options.Heartbeat),
	}
	defer out.beat.Stop()
	return out.run(ctx, request.GetResume())
}

// exportOut is one stream of an export: everything is sent by one goroutine.
type exportOut struct {
	service *service
	session *exportSession
	number  int
	stream  exportStream
	limit   int64
	// beat fires when the stream was silent for too long.
	beat *time.Timer
}

func (o *exportOut) run(ctx context.Context, resume *contractpb.ExportResume) error {
	x := o.session
	select {
	case <-x.opened:
	case <-ctx.Done():
		return context.Cause(ctx)
	}

	x.mu.Lock()
	failure, header := x.err, x.header
	x.mu.Unlock()
	if header.GetSnapshotTime() == nil {
		return failure
	}
	first, offset, err := o.start(resume)
	if err != nil {
		return err
	}
	if err := o.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Header{Header: header}}); err != nil {
		return err
	}

	all := make([]totals, 0, len(x.parts))
	for i, p := range x.parts {
		if i >= first {
			if err := o.part(ctx, p, offset); err != nil {
				return err
			}
			offset = 0
		}
		all = append(all, p.totals)
	}

	if err := o.end(ctx); err != nil {
		return err
	}
	digest := manifestDigest(o.service.options.ID, all)
	return o.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Trailer{
		Trailer: &contractpb.ExportTrailer{ManifestSha256: digest[:]},
	}})
}

// start finds the place at which a stream begins.
func (o *exportOut) start(resume *contractpb.ExportResume) (part int, offset int64, err error) {
	x := o.session
	if resume == nil {
		return 0, 0, nil
	}
	if resume.GetDataset() == "" {
		return len(x.parts), 0, nil
	}

	for i, p := range x.parts {
		if p.definition.Name != resume.GetDataset() {
			continue
		}
		x.mu.Lock()
		written := p.written
		x.mu.Unlock()
		if resume.GetOffset() > uint64(written) {
			return 0, 0, NewError(ReasonOffsetMismatch, "dataset %s: an export cannot be resumed at %d, it has %d bytes so far", p.definition.Name,
				resume.GetOffset(), written).
				With("dataset", p.definition.Name).With("expected", strconv.FormatInt(written, 10))
		}
		return i, int64(resume.GetOffset()), nil
	}

	return 0, 0, NewError(ReasonInvalidRequest, "dataset %q is not part of the export", resume.GetDataset())
}

// part sends one payload from an offset on, and its trailer.
func (o *exportOut) part(ctx context.Context, p *exportPart, offset int64) error {
	for {
		n, ended, err := o.session.at(ctx, p, offset, o.limit, o.beat.C)
		switch {
		case err != nil:
			return err
		case n > 0:
			if err := o.chunk(p, offset, n); err != nil {
				return err
			}
			offset += n

		case !ended:
			if err := o.alive(); err != nil {
				return err
			}
		default:
			t := p.totals
			return o.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_DatasetTrailer{DatasetTrailer: &contractpb.DatasetTrailer{
				Dataset: t.name, Rows: uint64(t.rows), Bytes: uint64(t.size), Sha256: t.digest[:], Positions: p.positions,
			}}})
		}
	}
}

func (o *exportOut) chunk(p *exportPart, offset, n int64) error {
	data, err := o.session.read(p, offset, n)
	if err != nil {
		// The files of a session that was dropped are closed.
		if cause := context.Cause(o.session.ctx); cause != nil {
			return cause
		}
		return err
	}
	defer data.Free()
	return o.whileOwn(func() error { return o.stream.SendMsg(exportChunk(p.definition.Name, offset, data)) })
}

// end waits until the snapshot is known to have been complete.
func (o *exportOut) end(ctx context.Context) error {
	for {
		select {
		case <-o.session.produced:
			o.session.mu.Lock()
			defer o.session.mu.Unlock()
			return o.session.err
		case <-o.beat.C:
			if err := o.alive(); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// alive shows the caller that work continues.
func (o *exportOut) alive() error {
	return o.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Progress{Progress: o.session.watch.progress()}})
}

func (o *exportOut) send(m *contractpb.ExportResponse) error {
	return o.whileOwn(func() error { return o.stream.Send(m) })
}

// whileOwn sends something as long as this is the stream of the export.
func (o *exportOut) whileOwn(send func() error) error {
	if o.session.replaced(o.number) {
		return NewError(ReasonOperationInProgress, "another call went on with this export")
	}
	err := send()
	o.beat.Reset(o.service.options.Heartbeat)
	return err
}

// checkResume refuses what an application without leases does not offer.
func (s *service) checkResume() error {
	if s.options.ExportLease > 0 {
		return nil
	}
	return NewError(ReasonCapabilityMissing, "%s keeps no exports", s.options.ID).With("capability", capabilityResume)
}

// ReleaseExport implements the call of the contract.
func (s *service) ReleaseExport(_ context.Context, request *contractpb.ReleaseExportRequest) (*contractpb.ReleaseExportResponse, error) {
	if err := checkOperationID(request.GetOperationId()); err != nil {
		return nil, err
	}
	if err := s.checkResume(); err != nil {
		return nil, err
	}
	s.exports.release(request.GetOperationId(), NewError(ReasonOperationCancelled, "the export was released"))
	return &contractpb.ReleaseExportResponse{}, nil
}
