package contracttest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

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
					return fmt.Errorf("an import during exports: %w", err)
				}
				done = true
			default:
			}
			got, err := s.export(ctx)
			if err != nil {
				return fmt.Errorf("an export during an import: %w", err)
			}
			if err := got.oneOf(before, other); err != nil {
				return fmt.Errorf("an export during an import: %w", err)
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
		return s.needs("", "Mutate")
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
		return fmt.Errorf("%s changed nothing that an export shows", s.named("Mutate"))
	}

	for _, name := range before.order {
		if len(after.payload(name)) < len(before.payload(name)) &&
			bytes.Count(after.payload(name), []byte("\n")) < bytes.Count(before.payload(name), []byte("\n")) {
			return fmt.Errorf("dataset %s lost rows when something was created", name)
		}
	}

	return nil
}

func importDiskFull(ctx context.Context, s *session) (err error) {
	if s.instance.FillDisk == nil {
		return s.needs("", "FillDisk")
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
