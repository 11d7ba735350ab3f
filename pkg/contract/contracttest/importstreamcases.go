package contracttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

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
	first, err := s.client.Import(ctx, lost)
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
	begun, after := clone(first), clone(first)
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
		return fmt.Errorf("a second import beside the first: %w", err)
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

func importVisible(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if before.empty().size() == 0 {
		other = before.empty()
	}
	const rounds = 3
	for i := range rounds {
		next := []state{other, before}[i%2]
		imported := make(chan error, 1)
		request := s.request(next)
		go func() {
			_, err := s.client.Import(ctx, request)
			imported <- err
		}()
		for done := false; !done; {
			select {
			case err := <-imported:
				if err != nil {
					return fmt.Errorf("an import beside exports: %w", err)
				}
				done = true
			default:
			}
			got, err := s.export(ctx)
			if err != nil {
				return fmt.Errorf("an export beside an import: %w", err)
			}
			if err := got.oneOf(before, other); err != nil {
				return fmt.Errorf("an export beside an import: %w", err)
			}
		}
	}
	return nil
}

func importExpected(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	stale, err := s.client.Fingerprints(ctx)
	if err != nil {
		return err
	}
	if _, err := s.apply(ctx, other); err != nil {
		return err
	}
	late := s.request(before)
	late.Expected = stale
	_, err = s.client.Import(ctx, late)
	if err := refused(err, contract.ReasonTargetChanged); err != nil {
		return fmt.Errorf("an import that expects another state: %w", err)
	}
	if err := s.unchanged(ctx, other); err != nil {
		return err
	}
	current := s.request(before)
	if current.Expected, err = s.client.Fingerprints(ctx); err != nil {
		return err
	}
	if _, err := s.client.Import(ctx, current); err != nil {
		return fmt.Errorf("an import that expects the current state: %w", err)
	}
	return s.holds(ctx, before)
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
		_, err := s.wire.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: r.open.GetOperationId()})
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
	_, err = s.wire.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: r.open.GetOperationId()})
	if err := refused(err, contract.ReasonAlreadyCommitted); err != nil {
		return fmt.Errorf("cancelling an import that took effect: %w", err)
	}
	_, err = s.wire.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: "nobody-" + s.operation()})
	if err := refused(err, contract.ReasonUnknownOperation); err != nil {
		return fmt.Errorf("cancelling an operation that nobody knows: %w", err)
	}
	return s.holds(ctx, other)
}

func importOrder(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if len(before.order) < 2 {
		return notApplicable("the application has one dataset")
	}
	r := s.raw(other.reversed())
	if err := s.send(ctx, r); err != nil {
		return fmt.Errorf("datasets in the opposite order: %w", err)
	}
	if err := s.holds(ctx, other); err != nil {
		return err
	}
	// In turns: a chunk of each dataset, round by round.
	r = s.rawIn(before, max(before.size()/10, 1))
	slices.SortStableFunc(r.chunks, func(a, b *contractpb.Chunk) int {
		return int(a.GetOffset()) - int(b.GetOffset())
	})
	if err := s.send(ctx, r); err != nil {
		return fmt.Errorf("datasets in turns: %w", err)
	}
	return s.holds(ctx, before)
}

func importThenCreate(ctx context.Context, s *session) error {
	if s.instance.Mutate == nil {
		return needs("Mutate")
	}
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	if _, err := s.apply(ctx, before.empty()); err != nil {
		return err
	}
	if _, err := s.apply(ctx, before); err != nil {
		return err
	}
	if err := s.instance.Mutate(ctx); err != nil {
		return fmt.Errorf("the application could not create anything after an import: %w", err)
	}
	after, err := s.export(ctx)
	if err != nil {
		return err
	}
	if before.differs(after) == nil {
		return errors.New("the hook Mutate changed nothing that an export shows")
	}
	for _, name := range before.order {
		if len(after.payload(name)) < len(before.payload(name)) && bytes.Count(after.payload(name), []byte("\n")) < bytes.Count(before.payload(name), []byte("\n")) {
			return fmt.Errorf("dataset %s lost rows when something was created", name)
		}
	}
	return nil
}

func importDiskFull(ctx context.Context, s *session) (err error) {
	if s.instance.FillDisk == nil {
		return needs("FillDisk")
	}
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if err := s.instance.FillDisk(ctx, true); err != nil {
		return fmt.Errorf("filling the disk: %w", err)
	}
	full := s.send(ctx, s.raw(other))
	if err := s.instance.FillDisk(ctx, false); err != nil {
		return fmt.Errorf("freeing the disk: %w", err)
	}
	if err := refused(full, contract.ReasonNoSpace); err != nil {
		return err
	}
	if err := s.unchanged(ctx, before); err != nil {
		return err
	}
	if _, err := s.apply(ctx, other); err != nil {
		return fmt.Errorf("after there was space again: %w", err)
	}
	return s.holds(ctx, other)
}

// moments are how long after the commit IMP-007 kills.
var moments = []time.Duration{0, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond}

func importKilled(ctx context.Context, s *session) error {
	if s.instance.Kill == nil || s.instance.Restart == nil {
		return needs("Kill and Restart")
	}
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if before.empty().size() == 0 {
		other = before.empty()
	}
	for i, next := 0, other; i <= len(moments); i++ {
		r := s.raw(next)
		sent := len(r.chunks)
		if i == 0 {
			sent /= 2
		}
		stream, err := s.sendAll(ctx, r, sent)
		if err != nil {
			return err
		}
		where := "while receiving"
		if i > 0 {
			where = fmt.Sprintf("%s after the commit", moments[i-1])
			if err := stream.Send(commitMessage(r.commit)); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if err := s.pause(ctx, moments[i-1]); err != nil {
				return err
			}
		}
		if err := s.kill(ctx, s.instance.Kill); err != nil {
			return err
		}
		got, err := s.export(ctx)
		if err != nil {
			return fmt.Errorf("killed %s: %w", where, err)
		}
		if err := got.oneOf(before, other); err != nil {
			return fmt.Errorf("killed %s: %w", where, err)
		}
		if i == 0 && before.differs(got) != nil {
			return errors.New("an import that was not committed shows after a restart")
		}
		if next = other; other.differs(got) == nil {
			next = before
		}
	}
	return s.survives(ctx, s.instance.Kill, before, other)
}

// survives makes sure that an import whose result came is there after a restart.
func (s *session) survives(ctx context.Context, end func(context.Context) error, before, other state) error {
	for _, next := range []state{other, before} {
		if _, err := s.apply(ctx, next); err != nil {
			return err
		}
		if err := s.kill(ctx, end); err != nil {
			return err
		}
		if err := s.holds(ctx, next); err != nil {
			return fmt.Errorf("an import that had succeeded was lost in a restart: %w", err)
		}
	}
	return nil
}
