package contracttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

func exportReadOnly(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	marked := s.info.Offers(capabilityFingerprint)
	var fingerprints map[string][]byte
	if marked {
		if fingerprints, err = s.client.Fingerprints(ctx); err != nil {
			return err
		}
	}

	h, err := s.hold(ctx, before, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	h.cancel()
	if err := s.holds(ctx, before); err != nil {
		return fmt.Errorf("an export changed the state: %w", err)
	}

	if marked {
		after, err := s.client.Fingerprints(ctx)
		if err != nil {
			return err
		}
		return sameTokens(fingerprints, after)
	}

	return nil
}

func exportSnapshot(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	if s.instance.Mutate == nil && before.empty().size() == 0 {
		// The larger the change, the more of it can show.
		other = before.empty()
	}

	h, err := s.hold(ctx, before, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	defer h.cancel()
	if err := s.change(ctx, other); err != nil {
		return fmt.Errorf("while an export is open: %w", err)
	}

	got, err := h.rest(s)
	if err != nil {
		return err
	}
	if err := before.differs(got); err != nil {
		return fmt.Errorf("a write after the header shows in the export: %w", err)
	}

	after, err := s.export(ctx)
	if err != nil {
		return err
	}
	if before.differs(after) == nil {
		return errors.New("the next export does not show the write")
	}
	return nil
}

func exportChunks(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}

	for _, limit := range []int{7, min(1000, s.info.Limits.MaxChunkBytes)} {
		all, err := s.messages(ctx, &contractpb.ExportRequest{MaxChunkBytes: uint32(limit)})
		if err != nil {
			return err
		}
		for _, m := range all {
			if n := len(m.GetChunk().GetData()); n > limit {
				return fmt.Errorf("a chunk has %d bytes, at most %d were requested", n, limit)
			}
		}
		got, err := s.joined(all)
		if err != nil {
			return err
		}
		if err := before.differs(got); err != nil {
			return fmt.Errorf("in chunks of %d bytes: %w", limit, err)
		}
	}

	all, err := s.messages(ctx, &contractpb.ExportRequest{MaxChunkBytes: 1 << 31})
	if err != nil {
		return err
	}

	for _, m := range all {
		if n := len(m.GetChunk().GetData()); n > s.info.Limits.MaxChunkBytes {
			return fmt.Errorf("a chunk has %d bytes, the limit is %d", n, s.info.Limits.MaxChunkBytes)
		}
	}
	return nil
}

// mostHeld is how many streams a case holds open at most.
const mostHeld = 32

// holdAll opens as many exports as the application allows.
func (s *session) holdAll(ctx context.Context, a state) (all []*heldExport, err error) {
	if err := canHold(a); err != nil {
		return nil, err
	}
	limit := s.info.Limits.MaxParallelExports
	if limit > mostHeld {
		return nil, notApplicable(fmt.Sprintf("it allows %d exports at a time, and more than %d look like no limit", limit,
			mostHeld))
	}
	for i := range limit {
		h, err := s.hold(ctx, a, &contractpb.ExportRequest{})
		if err != nil {
			release(all)
			return nil, fmt.Errorf("export %d of %d at a time: %w", i+1, limit, err)
		}
		all = append(all, h)
	}
	return all, nil
}

func release(all []*heldExport) {
	for _, h := range all {
		h.cancel()
	}
}

// freedWithin is how soon a cancelled export must be freed.
const freedWithin = 5 * time.Second

func exportCancelled(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	all, err := s.holdAll(ctx, before)
	if err != nil {
		return err
	}
	release(all)
	if err := s.eventually(ctx, freedWithin, func(ctx context.Context) error { return s.holds(ctx, before) }); err != nil {
		return fmt.Errorf("after %d exports were cancelled: %w", len(all), err)
	}

	if !s.info.Offers(capabilityOperations) {
		return nil
	}
	return s.eventually(ctx, freedWithin, func(ctx context.Context) error {
		for _, h := range all {
			op, err := s.listed(ctx, h.id)
			if err != nil {
				return err
			}
			if op.GetState() == contractpb.OperationState_OPERATION_STATE_RUNNING {
				return fmt.Errorf("the cancelled export %s is listed as running", h.id)
			}
		}
		return nil
	})
}

func exportParallel(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	all, err := s.holdAll(ctx, before)
	if err != nil {
		return err
	}
	defer release(all)
	_, err = s.messages(ctx, &contractpb.ExportRequest{})
	if err := refused(err, contract.ReasonTooManyOperations); err != nil {
		return fmt.Errorf("%d exports in addition to %d: %w", 1, len(all), err)
	}

	for _, h := range all[1:] {
		got, err := h.rest(s)
		if err == nil {
			err = before.differs(got)
		}
		if err != nil {
			return fmt.Errorf("one of %d exports at a time: %w", len(all), err)
		}
	}

	all[0].cancel()
	return s.eventually(ctx, freedWithin, func(ctx context.Context) error { return s.holds(ctx, before) })
}

func exportSubset(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	needed := map[string][]string{}

	for _, d := range s.info.Datasets {
		names := []string{d.Name}
		for _, on := range d.DependsOn {
			names = append(names, needed[on]...)
		}
		needed[d.Name] = names
		all, err := s.messages(ctx, &contractpb.ExportRequest{Datasets: []string{d.Name}})
		if err != nil {
			return fmt.Errorf("dataset %s alone: %w", d.Name, err)
		}
		got, err := s.joined(all)
		if err != nil {
			return fmt.Errorf("dataset %s alone: %w", d.Name, err)
		}
		if err := before.only(names...).differs(got); err != nil {
			return fmt.Errorf("dataset %s alone: %w", d.Name, err)
		}
	}

	_, err = s.messages(ctx, &contractpb.ExportRequest{Datasets: []string{"no-such-dataset"}})
	return refused(err, contract.ReasonUnknownDataset)
}

func exportSlow(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	h, err := s.hold(ctx, before, &contractpb.ExportRequest{})
	if err != nil {
		return err
	}
	defer h.cancel()
	const step, perStep = 250 * time.Millisecond, 256 // 1 KiB per second
	taken := []*contractpb.ExportResponse{h.first}
	imported := false

	ended := false
	for elapsed := time.Duration(0); elapsed < s.config.Slow && !ended; elapsed += step {
		for n := 0; n < perStep && !ended; {
			m, err := h.stream.Recv()
			if err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("a stream that is read slowly, after %s: %w", elapsed, err)
			}
			if ended = err != nil; !ended {
				taken = append(taken, m)
				n += max(len(m.GetChunk().GetData()), 1)
			}
		}
		if !imported {
			if _, err := s.apply(ctx, other); err != nil {
				return fmt.Errorf("an import during a slow export: %w", err)
			}
			imported = true
		}
		if err := s.pause(ctx, step); err != nil {
			return err
		}
	}

	if !ended {
		rest, err := drain(h.stream)
		if err != nil {
			return fmt.Errorf("a stream that was read slowly: %w", err)
		}
		taken = append(taken, rest...)
	}

	got, err := s.joined(taken)
	if err != nil {
		return err
	}
	return before.differs(got)
}

func exportHeartbeat(ctx context.Context, s *session) (err error) {
	if s.instance.Slow == nil {
		return s.needs("", "Slow")
	}

	// One silence must not fit into the snapshot.
	if err := s.instance.Slow(ctx, s.config.Silence+s.config.Silence/4); err != nil {
		return fmt.Errorf("making the application slow: %w", err)
	}
	// Nothing that comes after this case may be slow, whatever it ends with.
	defer func() {
		if fast := s.instance.Slow(context.WithoutCancel(ctx), 0); fast != nil {
			err = errors.Join(err, fmt.Errorf("making the application fast again: %w", fast))
		}
	}()

	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.stub.Export(stop, &contractpb.ExportRequest{OperationId: s.operation()})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)

	beats := make(chan *contractpb.ExportResponse)
	go func() {
		for {
			m, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case beats <- m:
			case <-stop.Done():
			}
		}
	}()

	silence := time.NewTimer(s.config.Silence)
	defer silence.Stop()
	progress := 0

	for {
		select {
		case m := <-beats:
			if m.GetProgress() != nil {
				progress++
			}
			silence.Reset(s.config.Silence)
		case err := <-ended:
			if !errors.Is(err, io.EOF) {
				return err
			}
			if progress == 0 {
				return fmt.Errorf("no progress came; did %s do anything?", s.named("Slow"))
			}
			return nil
		case <-silence.C:
			return fmt.Errorf("nothing came for %s", s.config.Silence)
		}
	}
}
