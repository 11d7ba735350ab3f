package contracttest

import (
	"context"
	"errors"
	"fmt"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// resumed is an export that is broken again and again.
type resumed struct {
	s        *session
	id       string
	snapshot string
	chunk    uint32
	state    state
	order    []string
	// at is the dataset whose trailer did not come yet, len(order) when only the
	// last message is missing.
	at int
}

// where is the place to go on at, nil before the first header.
func (r *resumed) where() *contractpb.ExportResume {
	if r.snapshot == "" {
		return nil
	}
	resume := &contractpb.ExportResume{SnapshotId: r.snapshot}
	if r.at < len(r.order) {
		resume.Dataset = r.order[r.at]
		resume.Offset = uint64(len(r.state.payload(resume.Dataset)))
	}
	return resume
}

// take reads messages until enough of them came or the export is complete. With half
// the last chunk is thrown away by half, as if the line had broken inside it.
func (r *resumed) take(ctx context.Context, messages int, half bool) (complete bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.s.stub.Export(ctx, &contractpb.ExportRequest{OperationId: r.id, MaxChunkBytes: r.chunk, Resume: r.where()})
	if err != nil {
		return false, err
	}

	for i := 0; i < messages; {
		m, err := stream.Recv()
		if err != nil {
			return false, err
		}
		switch {
		case m.GetHeader() != nil:
			if err := r.header(m.GetHeader()); err != nil {
				return false, err
			}
		case m.GetChunk() != nil:
			i++
			c := m.GetChunk()
			if r.at >= len(r.order) || c.GetDataset() != r.order[r.at] || c.GetOffset() != uint64(len(r.state.payload(c.GetDataset()))) {
				return false, fmt.Errorf("a resumed stream goes on with %s at %d, want %v", c.GetDataset(), c.GetOffset(), r.where())
			}
			data := c.GetData()
			if half && i == messages {
				data = data[:(len(data)+1)/2]
			}
			r.state = r.state.with(c.GetDataset(), append(r.state.payload(c.GetDataset()), data...))
		case m.GetDatasetTrailer() != nil:
			if r.at >= len(r.order) || m.GetDatasetTrailer().GetDataset() != r.order[r.at] {
				return false, fmt.Errorf("the trailer of %s came out of turn", m.GetDatasetTrailer().GetDataset())
			}
			r.at++
		case m.GetTrailer() != nil:
			return true, nil
		}
	}

	return false, nil
}

func (r *resumed) header(h *contractpb.ExportHeader) error {
	switch {
	case r.snapshot == "":
		r.snapshot = h.GetSnapshotId()
		for _, d := range h.GetDatasets() {
			r.order = append(r.order, d.GetName())
			r.state = r.state.add(d.GetName(), held{d.GetSchema(), nil, r.s.opaque(d.GetName())})
		}
	case r.snapshot != h.GetSnapshotId():
		return fmt.Errorf("a resumed export belongs to snapshot %s, it began with %s", h.GetSnapshotId(), r.snapshot)
	}
	return nil
}

// breakings is how often EXP-010 breaks the stream.
const breakings = 40

func exportResume(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	r := &resumed{s: s, id: s.operation(), chunk: uint32(max(2*before.size()/breakings, 2))}

	whole := false
	for i := 0; !whole; i++ {
		messages, half := 1, i%2 == 1
		if i > 4*breakings {
			messages, half = 1<<30, false
		}
		if whole, err = r.take(ctx, messages, half); err != nil {
			return fmt.Errorf("after %d breaks: %w", i, err)
		}
	}

	if err := before.differs(r.state); err != nil {
		return fmt.Errorf("what the parts join to: %w", err)
	}

	// Everything came but the last message.
	if _, err := r.take(ctx, 1<<30, false); err != nil {
		return fmt.Errorf("requesting the trailer again: %w", err)
	}

	// The same call without resume begins the same snapshot again.
	again := &resumed{s: s, id: r.id, snapshot: "", chunk: 0}
	if _, err := again.take(ctx, 1<<30, false); err != nil {
		return fmt.Errorf("requesting the complete export again: %w", err)
	}
	if again.snapshot != r.snapshot {
		return errors.New("the same operation gave another snapshot while the first is kept")
	}
	_, err = s.stub.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: r.id})
	return err
}

func exportExpired(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	begin := func() (*resumed, error) {
		r := &resumed{s: s, id: s.operation(), chunk: uint32(max(before.size()/4, 1))}
		_, err := r.take(ctx, 1, true)
		return r, err
	}

	r, err := begin()
	if err != nil {
		return err
	}
	foreign := *r
	foreign.snapshot = "unknown-snapshot"
	if _, err := foreign.take(ctx, 1, false); refused(err, contract.ReasonSnapshotExpired) != nil {
		return fmt.Errorf("resuming a foreign snapshot: %w", refused(err, contract.ReasonSnapshotExpired))
	}
	unknown := *r

	unknown.id = s.operation()
	if _, err := unknown.take(ctx, 1, false); refused(err, contract.ReasonSnapshotExpired) != nil {
		return fmt.Errorf("resuming an unknown operation: %w", refused(err, contract.ReasonSnapshotExpired))
	}
	if err := s.change(ctx, other); err != nil {
		return err
	}
	if err := r.finish(ctx, before); err != nil {
		return fmt.Errorf("resuming after a change of state: %w", err)
	}

	if r, err = begin(); err != nil {
		return err
	}
	if _, err := s.stub.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: r.id}); err != nil {
		return err
	}
	_, err = r.take(ctx, 1, false)
	if err := refused(err, contract.ReasonSnapshotExpired); err != nil {
		return fmt.Errorf("resuming a released export: %w", err)
	}
	return s.outlived(ctx, begin)
}

// outlived waits for the end of a lease that is short enough to wait for.
func (s *session) outlived(ctx context.Context, begin func() (*resumed, error)) error {
	lease := s.info.Limits.ExportLease
	if lease > s.config.Timeout/4 {
		s.note("the lease of %s was not waited for", lease)
		return nil
	}
	r, err := begin()
	if err != nil {
		return err
	}
	if err := s.pause(ctx, 2*lease); err != nil {
		return err
	}
	_, err = r.take(ctx, 1, false)
	if err := refused(err, contract.ReasonSnapshotExpired); err != nil {
		return fmt.Errorf("resuming after the lease of %s: %w", lease, err)
	}
	return nil
}

// finish resumes to the end: the bytes must be those of the first snapshot, or the
// application must say that it has them no more.
func (r *resumed) finish(ctx context.Context, want state) error {
	_, err := r.take(ctx, 1<<30, false)
	if read(err).reason == contract.ReasonSnapshotExpired {
		return nil
	}
	if err != nil {
		return err
	}
	return want.differs(r.state)
}

func exportRestarted(ctx context.Context, s *session) error {
	if s.instance.Kill == nil || s.instance.Restart == nil {
		return s.needs("", "Kill", "Restart")
	}
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	r := &resumed{s: s, id: s.operation(), chunk: uint32(max(before.size()/4, 1))}
	if _, err := r.take(ctx, 1, true); err != nil {
		return err
	}
	if err := s.kill(ctx, s.instance.Kill); err != nil {
		return err
	}
	if err := r.finish(ctx, before); err != nil {
		return fmt.Errorf("resuming after a restart: %w", err)
	}
	return s.holds(ctx, before)
}

func exportRelease(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	h, err := s.hold(ctx, before, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	h.cancel()
	for _, id := range []string{h.id, "unknown-" + s.operation()} {
		for i := range s.config.Repeat {
			if _, err := s.stub.ReleaseExport(ctx, &contractpb.ReleaseExportRequest{OperationId: id}); err != nil {
				return fmt.Errorf("call %d for %s: %w", i+1, id, err)
			}
		}
	}
	return s.holds(ctx, before)
}
