package contract

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// exportSession is one export: a producer that reads the application's snapshot
// into files as fast as it can, and at most one stream that sends them. A slow or
// broken stream so never holds the application's snapshot, and a broken one can be
// resumed with the very same bytes.
type exportSession struct {
	id       string
	selected []*definition
	service  *service
	ctx      context.Context
	end      context.CancelCauseFunc
	// opened is closed when the snapshot is open or could not be opened, produced
	// when nothing more will be written.
	opened, produced chan struct{}

	mu      sync.Mutex
	header  *contractpb.ExportHeader
	parts   []*exportPart
	recent  recent
	err     error
	changed chan struct{} // closed and replaced when there is more to see
	// stream counts the streams so far; the last one is served while attached.
	stream   int
	attached bool
	sent     bool
	lease    *time.Timer
	watch    *operationWatch
}

func (s *service) newExportSession(ctx context.Context, id string, selected []*definition) (*exportSession, error) {
	x := &exportSession{
		id: id, selected: selected, service: s,
		opened: make(chan struct{}), produced: make(chan struct{}), changed: make(chan struct{}),
		watch: newOperationWatch(id, contractpb.OperationKind_OPERATION_KIND_EXPORT, s.options.Now),
	}
	name, err := s.randomName()
	if err != nil {
		return nil, err
	}

	for _, d := range selected {
		p, err := newExportPart(s.options.SpoolDir, d)
		if err != nil {
			x.closeFiles()
			return nil, err
		}
		x.parts = append(x.parts, p)
	}

	x.header = &contractpb.ExportHeader{
		OperationId: id, SnapshotId: name, AppId: s.options.ID, AppVersion: s.options.Version,
		Lease: durationpb.New(max(s.options.ExportLease, 0)),
	}
	for _, d := range selected {
		x.header.Datasets = append(x.header.Datasets, &contractpb.ExportedDataset{
			Name: d.Name, Schema: d.schema.String(), MediaType: d.mediaType(), Sensitive: d.Sensitive(), Key: d.Key,
		})
	}

	x.ctx, x.end = context.WithCancelCause(context.WithoutCancel(ctx))
	return x, nil
}

func (x *exportSession) closeFiles() {
	for _, p := range x.parts {
		// The file has no name any more; there is nothing to do about an error.
		_ = p.file.Close()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.recent.free()
}

// produce reads the snapshot to its end.
func (x *exportSession) produce() {
	err := x.readSnapshot()
	x.mu.Lock()
	x.err = err
	x.signal()
	x.mu.Unlock()
	select {
	case <-x.opened:
	default:
		close(x.opened)
	}
	close(x.produced)
}

// signal wakes those who wait. The caller holds the lock.
func (x *exportSession) signal() {
	close(x.changed)
	x.changed = make(chan struct{})
}

func (x *exportSession) readSnapshot() (err error) {
	ctx := x.ctx
	defer x.service.recoverInto(ctx, "Export", &err)
	snapshot, err := x.service.app.Snapshot(ctx)
	if err != nil {
		return appError(ReasonBackendUnavailable, "opening a snapshot", false, err)
	}

	closed := false
	defer func() {
		if closed {
			return
		}
		if err := snapshot.Close(); err != nil {
			x.service.options.Log.WarnContext(ctx, "closing a snapshot after a failed export", "error", x.service.discreet(err))
		}
	}()

	x.mu.Lock()
	x.header.SnapshotTime = timestamppb.New(x.service.options.Now())
	x.mu.Unlock()
	close(x.opened)

	for _, p := range x.parts {
		x.watch.at(contractpb.Phase_PHASE_EXPORTING, p.definition.Name)
		if err := x.readDataset(ctx, snapshot, p); err != nil {
			return err
		}
	}

	// A view that cannot be closed may have been lost while it was read.
	closed = true
	if err := snapshot.Close(); err != nil {
		return appError(ReasonAppFailed, "closing the snapshot", x.service.sensitive(), err)
	}
	return nil
}

func (x *exportSession) readDataset(ctx context.Context, snapshot Snapshot, p *exportPart) error {
	d := p.definition
	read := readRows
	if d.opaque() {
		read = readOpaque
	}
	written := func(block mem.Buffer) { x.advance(p, block) }
	err := read(ctx, snapshot, d, p.count, x.watch.count, func(data []byte) error { return p.append(data, written) })
	if err == nil {
		err = p.flush(written)
	}
	if err != nil {
		return err
	}
	positions, err := readPositions(ctx, snapshot, d)
	if err != nil {
		return err
	}

	x.mu.Lock()
	defer x.mu.Unlock()
	p.ended, p.totals, p.positions = true, p.total(), positions
	x.signal()
	return nil
}

// advance notifies streams of a block that was written. It takes the block over.
func (x *exportSession) advance(p *exportPart, block mem.Buffer) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.recent.add(recentBlock{p, p.written, block})
	p.written += int64(block.Len())
	x.signal()
}

// read returns bytes that were written: those in memory, or those in the file.
func (x *exportSession) read(p *exportPart, offset, n int64) (mem.Buffer, error) {
	x.mu.Lock()
	data := x.recent.find(p, offset, n)
	x.mu.Unlock()
	if data != nil {
		return data, nil
	}
	return p.read(offset, n)
}

// readRows checks the rows of a dataset, brings them into canonical form, counts
// them and passes their bytes on.
func readRows(ctx context.Context, snapshot Snapshot, d *definition, count *tally, progress func(int64), take func([]byte) error) error {
	order := &sequence{order: newKeyOrder(d.Key)}
	var canonical []byte

	for row, err := range snapshot.Rows(ctx, d.Name) {
		if err != nil {
			return appError(ReasonAppFailed, fmt.Sprintf("reading dataset %s", d.Name), d.Sensitive(), err)
		}
		canonical, err = appendCanonical(canonical[:0], row)
		if err == nil && int64(len(canonical)) > d.maxRow {
			return rowError(ReasonTooLarge, d.Name, count.rows+1, tooLong(d.maxRow))
		}
		if err == nil {
			err = order.next(canonical)
		}
		if err != nil {
			return rowError(ReasonAppFailed, d.Name, count.rows+1, err)
		}
		canonical = append(canonical, '\n')
		count.write(canonical)
		count.rows++
		progress(count.rows)
		if err := take(canonical); err != nil {
			return err
		}
	}

	// A range over a well-behaved iterator ends on cancellation as on the last
	// row; the difference must not be lost.
	if err := context.Cause(ctx); err != nil {
		return appError(ReasonAppFailed, "exporting", d.Sensitive(), err)
	}
	return nil
}

// readOpaque counts the bytes of an opaque dataset and passes them on.
func readOpaque(ctx context.Context, snapshot Snapshot, d *definition, count *tally, _ func(int64), take func([]byte) error) (err error) {
	source, ok := snapshot.(OpaqueSnapshot)
	if !ok {
		return NewError(ReasonAppFailed, "dataset %s is opaque and the snapshot has no Payload", d.Name)
	}

	payload, err := source.Payload(ctx, d.Name)
	if err != nil {
		return appError(ReasonAppFailed, fmt.Sprintf("reading dataset %s", d.Name), d.Sensitive(), err)
	}
	defer func() {
		// The end of a command or a file that was lost shows when it is closed.
		if closed := payload.Close(); closed != nil && err == nil {
			err = appError(ReasonAppFailed, fmt.Sprintf("reading dataset %s", d.Name), d.Sensitive(), closed)
		}
	}()

	buffer := make([]byte, 64<<10)
	for {
		n, err := payload.Read(buffer)
		if n > 0 {
			count.write(buffer[:n])
			if err := take(buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF: // as io.Reader returns it; a wrapped one is a failure
			if cause := context.Cause(ctx); cause != nil {
				return appError(ReasonAppFailed, "exporting", d.Sensitive(), cause)
			}
			return nil
		case err != nil:
			return appError(ReasonAppFailed, fmt.Sprintf("reading dataset %s", d.Name), d.Sensitive(), err)
		}
	}
}

// attach makes a stream the one that is served.
func (x *exportSession) attach() (stream int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lease != nil {
		x.lease.Stop()
	}
	x.stream++
	x.attached = true
	x.watch.state(contractpb.OperationState_OPERATION_STATE_RUNNING)
	x.signal() // an earlier stream learns that it was replaced
	return x.stream
}

// replaced reports whether a later stream took over.
func (x *exportSession) replaced(stream int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stream != stream
}

// at returns what a stream may send of a part from an offset on: wanted bytes, or
// what is left of an ended part. It waits for that until silence calls for a sign
// of life, which nothing and no error represent.
func (x *exportSession) at(ctx context.Context, p *exportPart, offset, wanted int64, silence <-chan time.Time) (n int64, ended bool,
	err error,
) {
	for {
		x.mu.Lock()
		written, ended, failure, changed := p.written, p.ended, x.err, x.changed
		x.mu.Unlock()

		switch {
		case written-offset >= wanted || ended:
			return min(written-offset, wanted), ended, nil
		case failure != nil:
			return 0, false, failure
		}

		select {
		case <-changed:
		case <-silence:
			return 0, false, nil
		case <-ctx.Done():
			return 0, false, context.Cause(ctx)
		case <-x.ctx.Done():
			return 0, false, context.Cause(x.ctx)
		}
	}
}

// wanted reports whether the session exports these datasets.
func (x *exportSession) wanted(selected []*definition) bool {
	return slices.Equal(x.selected, selected)
}
