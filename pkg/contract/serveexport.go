package contract

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// heartbeatInterval is how long a stream is silent at most; the contract allows 15 s.
const heartbeatInterval = 10 * time.Second

// Export implements the call of the contract.
func (s *service) Export(request *contractpb.ExportRequest, stream grpc.ServerStreamingServer[contractpb.ExportResponse]) (err error) {
	ctx := stream.Context()
	defer s.recoverInto(ctx, "Export", &err)
	if err := checkOperationID(request.GetOperationId()); err != nil {
		return err
	}
	limit := int(request.GetMaxChunkBytes())
	if limit == 0 {
		limit = chunkSize
	}
	selected, err := s.selection(request.GetDatasets())
	if err != nil {
		return err
	}
	snapshot, err := s.app.Snapshot(ctx)
	if err != nil {
		return appError(ReasonBackendUnavailable, "opening a snapshot", false, err)
	}
	closed := false
	defer func() {
		if closed {
			return
		}
		if err := snapshot.Close(); err != nil {
			s.options.Log.WarnContext(ctx, "closing a snapshot after a failed export", "error", err)
		}
	}()
	x := &exporting{service: s, snapshot: snapshot, limit: min(limit, maxChunkSize)}
	x.out = newBeating(s.heartbeat, func(m *contractpb.ExportResponse) error { return stream.Send(m) }, func(p *contractpb.Progress) *contractpb.ExportResponse {
		return &contractpb.ExportResponse{Message: &contractpb.ExportResponse_Progress{Progress: p}}
	})
	if err := x.header(request.GetOperationId(), selected); err != nil {
		return err
	}
	stop := x.out.start()
	defer stop()
	var all []totals
	for _, d := range selected {
		t, err := x.dataset(ctx, d)
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	// A view that cannot be closed may have been lost while it was read.
	closed = true
	if err := snapshot.Close(); err != nil {
		return appError(ReasonAppFailed, "closing the snapshot", false, err)
	}
	digest := manifestDigest(s.options.ID, all)
	stop()
	return x.out.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Trailer{
		Trailer: &contractpb.ExportTrailer{ManifestSha256: digest[:]},
	}})
}

// exporting is one export under way.
type exporting struct {
	service  *service
	snapshot Snapshot
	limit    int
	out      *beating[*contractpb.ExportResponse]
}

func (x *exporting) header(operation string, selected []*definition) error {
	name, err := x.service.randomName()
	if err != nil {
		return err
	}
	o := x.service.options
	header := &contractpb.ExportHeader{
		OperationId: operation, SnapshotId: name, AppId: o.ID, AppVersion: o.Version, SnapshotTime: timestamppb.New(o.Now()),
	}
	for _, d := range selected {
		header.Datasets = append(header.Datasets, &contractpb.ExportedDataset{
			Name: d.Name, Schema: d.schema.String(), MediaType: MediaType, Sensitive: d.Sensitive, Key: d.Key,
		})
	}
	return x.out.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Header{Header: header}})
}

// dataset streams one payload and its trailer.
func (x *exporting) dataset(ctx context.Context, d *definition) (totals, error) {
	order := &sequence{order: newKeyOrder(d.Key)}
	count := newTally()
	buffer := make([]byte, 0, x.limit)
	var canonical []byte
	x.out.at(contractpb.Phase_PHASE_EXPORTING, d.Name)
	for row, err := range x.snapshot.Rows(ctx, d.Name) {
		if err != nil {
			return totals{}, appError(ReasonAppFailed, fmt.Sprintf("reading dataset %s", d.Name), d.Sensitive, err)
		}
		canonical, err = appendCanonical(canonical[:0], row)
		if err == nil && len(canonical) > maxRowSize {
			err = errRowTooLong
		}
		if err == nil {
			err = order.next(canonical)
		}
		if err != nil {
			return totals{}, rowError(ReasonAppFailed, d.Name, count.rows+1, err)
		}
		canonical = append(canonical, '\n')
		offset := count.size - int64(len(buffer))
		count.line(canonical[:len(canonical)-1])
		x.out.count(count.rows)
		if buffer, err = x.fill(d.Name, offset, buffer, canonical); err != nil {
			return totals{}, err
		}
	}
	// A range over a well-behaved iterator ends on cancellation as on the last
	// row; the difference must not be lost.
	if err := context.Cause(ctx); err != nil {
		return totals{}, appError(ReasonAppFailed, "exporting", d.Sensitive, err)
	}
	if len(buffer) > 0 {
		if err := x.chunk(d.Name, count.size-int64(len(buffer)), buffer); err != nil {
			return totals{}, err
		}
	}
	t := totals{name: d.Name, schema: d.schema.String(), rows: count.rows, size: count.size, digest: count.digest()}
	return t, x.out.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_DatasetTrailer{
		DatasetTrailer: &contractpb.DatasetTrailer{Dataset: d.Name, Rows: uint64(t.rows), Bytes: uint64(t.size), Sha256: t.digest[:]},
	}})
}

// fill adds data to the buffer, which starts at offset, and sends what is full.
func (x *exporting) fill(dataset string, offset int64, buffer, data []byte) ([]byte, error) {
	for len(data) > 0 {
		n := min(len(data), x.limit-len(buffer))
		buffer = append(buffer, data[:n]...)
		data = data[n:]
		if len(buffer) < x.limit {
			continue
		}
		if err := x.chunk(dataset, offset, buffer); err != nil {
			return nil, err
		}
		offset += int64(len(buffer))
		// grpc may look at a message after Send returned: its bytes are not reused.
		buffer = make([]byte, 0, x.limit)
	}
	return buffer, nil
}

func (x *exporting) chunk(dataset string, offset int64, data []byte) error {
	return x.out.send(&contractpb.ExportResponse{Message: &contractpb.ExportResponse_Chunk{
		Chunk: &contractpb.Chunk{Dataset: dataset, Offset: uint64(offset), Data: data, Crc32C: checksum(data)},
	}})
}

// beating sends messages of one stream, and progress when nothing else was sent
// for a while, so that a slow backend is not taken for a dead one.
type beating[M any] struct {
	interval time.Duration
	transmit func(M) error
	progress func(*contractpb.Progress) M

	mu      sync.Mutex
	sent    bool
	phase   contractpb.Phase
	dataset string
	rows    int64
}

func newBeating[M any](interval time.Duration, transmit func(M) error, progress func(*contractpb.Progress) M) *beating[M] {
	return &beating[M]{interval: interval, transmit: transmit, progress: progress}
}

func (b *beating[M]) send(m M) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = true
	return b.transmit(m)
}

func (b *beating[M]) at(phase contractpb.Phase, dataset string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.phase, b.dataset, b.rows = phase, dataset, 0
}

func (b *beating[M]) count(rows int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows = rows
}

// start begins to beat. The function it returns ends that, may be called twice,
// and returns when nothing will be sent any more.
func (b *beating[M]) start() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(b.interval)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				if b.beat() != nil {
					// The stream is broken; the next send of the call says so.
					return
				}
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-done
	})
}

func (b *beating[M]) beat() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sent {
		b.sent = false
		return nil
	}
	return b.transmit(b.progress(&contractpb.Progress{Phase: b.phase, Dataset: b.dataset, Rows: uint64(b.rows)}))
}
