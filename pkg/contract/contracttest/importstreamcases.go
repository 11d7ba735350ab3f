package contracttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

func importLostAnswer(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	lost := s.request(other)
	r := s.raw(other)
	r.open.OperationId = lost.OperationID

	// The commit is on its way when the line breaks.
	cut, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, _, err := s.begin(cut, r.open)
	if err != nil {
		return err
	}

	for _, m := range r.requests()[1:] {
		if err := stream.Send(m); err != nil {
			err = outcome(stream)
			return err
		}
	}

	cancel()
	// The import may still be running when it is requested, which is defined as a reason
	// to retry.
	var first contract.ImportResult
	err = s.eventually(ctx, freedWithin, func(ctx context.Context) error {
		first, err = s.client.Import(ctx, lost)
		return err
	})
	if err != nil {
		return fmt.Errorf("fetching the lost answer: %w", err)
	}
	if err := s.holds(ctx, other); err != nil {
		return err
	}

	if _, err := s.apply(ctx, before); err != nil {
		return err
	}
	again, err := s.client.Import(ctx, lost)
	if err != nil {
		return fmt.Errorf("fetching the answer once more: %w", err)
	}

	if err := sameResult(first, again); err != nil {
		return err
	}
	if !again.Replayed {
		return errors.New("an answer that was fetched again is not marked as replayed")
	}
	if err := s.holds(ctx, before); err != nil {
		return fmt.Errorf("fetching an answer applied the import again: %w", err)
	}
	return nil
}

// sendAll opens an import and sends chunks, as many as there are.
func (s *session) sendAll(ctx context.Context, r *rawImport, chunks int) (importStream, error) {
	stream, first, err := s.begin(ctx, r.open)
	if err != nil {
		return nil, err
	}
	if first.GetState() == nil {
		return nil, fmt.Errorf("the answer to open is no state")
	}
	for _, c := range r.chunks[:chunks] {
		if err := stream.Send(chunkMessage(c)); err != nil {
			err = outcome(stream)
			return nil, err
		}
	}
	return stream, nil
}

func importPaused(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if other.size() < 2 {
		other = before
	}

	// Chunks that cut the payload into a few pieces.
	r := s.rawIn(other, max(min(other.size()/5, s.info.Limits.MaxChunkBytes), 1))
	sent := r.chunks[:(len(r.chunks)+1)/2]
	stream, err := s.sendAll(ctx, r, len(sent))
	if err != nil {
		return err
	}

	// Half-closed, the application has read everything before it ends the stream.
	if err := stream.CloseSend(); err != nil {
		return err
	}
	err = outcome(stream)
	if err := refused(err, contract.ReasonInvalidRequest); err != nil {
		return fmt.Errorf("a stream without commit: %w", err)
	}

	if err := s.unchanged(ctx, before); err != nil {
		return err
	}
	stream, first, err := s.begin(ctx, r.open)
	if err != nil {
		return fmt.Errorf("going on: %w", err)
	}
	offsets := map[string]uint64{}
	for _, a := range first.GetState().GetDatasets() {
		offsets[a.GetDataset()] = a.GetOffset()
	}

	for _, d := range r.open.GetDatasets() {
		want := uint64(0)
		if s.info.Limits.ImportLease > 0 {
			for _, c := range sent {
				if c.GetDataset() == d.GetName() {
					want += uint64(len(c.GetData()))
				}
			}
		}
		if offsets[d.GetName()] != want {
			return fmt.Errorf("dataset %s goes on at %d, want %d", d.GetName(), offsets[d.GetName()], want)
		}
	}

	for _, c := range r.chunks {
		if c.GetOffset() < offsets[c.GetDataset()] {
			continue
		}
		if err := stream.Send(chunkMessage(c)); err != nil {
			err = outcome(stream)
			return fmt.Errorf("going on: %w", err)
		}
	}

	if err := stream.Send(commitMessage(r.commit)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := outcome(stream); err != nil {
		return fmt.Errorf("going on: %w", err)
	}
	return s.holds(ctx, other)
}

func importOffsets(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if other.size() < 2 {
		other = before
	}

	r := s.raw(other)
	first := r.chunks[len(r.chunks)-1]
	if first.GetOffset() != 0 {
		first = r.chunks[slices.IndexFunc(r.chunks, func(c *contractpb.Chunk) bool { return c.GetDataset() == first.GetDataset() })]
	}
	half := len(first.GetData()) / 2
	if half == 0 {
		return errors.New("the application holds too little to be cut")
	}

	begun, after := proto.CloneOf(first), proto.CloneOf(first)
	begun.Data, begun.Crc32C = first.GetData()[:half], checksum(first.GetData()[:half])
	after.Offset = uint64(half + 1)
	stream, err := s.sendAll(ctx, &rawImport{open: r.open, chunks: []*contractpb.Chunk{begun, after}}, 2)
	if err == nil {
		err = outcome(stream)
	}

	if err := refused(err, contract.ReasonOffsetMismatch); err != nil {
		return fmt.Errorf("a chunk behind the next byte: %w", err)
	}
	if m := read(err).metadata; m["dataset"] != first.GetDataset() || m["expected"] != fmt.Sprint(half) {
		return fmt.Errorf("the metadata is %v, want dataset %s and expected %d", m, first.GetDataset(), half)
	}
	if err := s.unchanged(ctx, before); err != nil {
		return err
	}

	// A dataset that begins again is taken from its start.
	again := s.raw(other)
	again.chunks = append([]*contractpb.Chunk{begun}, again.chunks...)
	if err := s.send(ctx, again); err != nil {
		return fmt.Errorf("a dataset that starts again: %w", err)
	}
	return s.holds(ctx, other)
}

func importConcurrent(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	first, cancel := context.WithCancel(ctx)
	defer cancel()
	r := s.raw(other)
	if _, err := s.sendAll(first, r, len(r.chunks)); err != nil {
		return err
	}

	second := s.raw(other)
	if err := refused(s.send(ctx, second), contract.ReasonOperationInProgress); err != nil {
		return fmt.Errorf("a second import during the first: %w", err)
	}
	if err := s.unchanged(ctx, before); err != nil {
		return err
	}
	cancel()
	if err := s.eventually(ctx, freedWithin, func(ctx context.Context) error { return s.send(ctx, second) }); err != nil {
		return fmt.Errorf("the second import after the first ended: %w", err)
	}
	return s.holds(ctx, other)
}

func importCancelled(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	r := s.raw(other)
	stream, err := s.sendAll(ctx, r, len(r.chunks))
	if err != nil {
		return err
	}

	for i := range s.config.Repeat {
		_, err := s.stub.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: r.open.GetOperationId()})
		if err != nil {
			return fmt.Errorf("cancelling an import that was not committed, call %d: %w", i+1, err)
		}
	}

	ended, stop := context.WithTimeout(ctx, freedWithin)
	defer stop()
	context.AfterFunc(ended, func() { _ = stream.CloseSend() })
	err = outcome(stream)
	if err := refused(err, contract.ReasonOperationCancelled); err != nil {
		return fmt.Errorf("the stream of a cancelled import: %w", err)
	}
	if ended.Err() != nil {
		return fmt.Errorf("the stream of a cancelled import did not end within %s", freedWithin)
	}
	if err := s.unchanged(ctx, before); err != nil {
		return err
	}

	r = s.raw(other)
	if err := s.send(ctx, r); err != nil {
		return err
	}
	_, err = s.stub.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: r.open.GetOperationId()})
	if err := refused(err, contract.ReasonAlreadyCommitted); err != nil {
		return fmt.Errorf("cancelling an import that took effect: %w", err)
	}
	_, err = s.stub.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: "unknown-" + s.operation()})
	if err := refused(err, contract.ReasonUnknownOperation); err != nil {
		return fmt.Errorf("cancelling an unknown operation: %w", err)
	}
	return s.holds(ctx, other)
}
