package contracttest

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

func importRoundTrip(ctx context.Context, s *session) error {
	held, err := s.export(ctx)
	if err != nil {
		return err
	}
	if _, err := held.last(); err != nil {
		return err
	}
	if _, err := s.apply(ctx, held.empty()); err != nil {
		return fmt.Errorf("emptying the application: %w", err)
	}
	if err := s.holds(ctx, held.empty()); err != nil {
		return fmt.Errorf("emptying the application: %w", err)
	}
	result, err := s.apply(ctx, held)
	if err != nil {
		return err
	}
	for _, d := range result.Datasets {
		if want := appbur.DigestOf(held.payloads[d.Name]); d.Digest != want {
			return fmt.Errorf("dataset %s: the result says %s, the state is %s", d.Name, d.Digest.Short(), want.Short())
		}
	}
	return s.holds(ctx, held)
}

func importReplaces(ctx context.Context, s *session) error {
	held, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	for _, next := range []state{other, held} {
		if _, err := s.apply(ctx, next); err != nil {
			return err
		}
		if err := s.holds(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

func importAgain(ctx context.Context, s *session) error {
	held, err := s.export(ctx)
	if err != nil {
		return err
	}
	first, err := s.apply(ctx, held)
	if err != nil {
		return err
	}
	second, err := s.apply(ctx, held)
	if err != nil {
		return err
	}
	if err := sameResult(first, second); err != nil {
		return err
	}
	return s.holds(ctx, held)
}

func sameResult(a, b contract.ImportResult) error {
	if a.Applied != b.Applied || len(a.Datasets) != len(b.Datasets) {
		return errors.New("the results differ")
	}
	for i, d := range a.Datasets {
		if e := b.Datasets[i]; d.Name != e.Name || d.Rows != e.Rows || d.Digest != e.Digest {
			return fmt.Errorf("the results differ in dataset %s", d.Name)
		}
	}
	return nil
}

func importRetry(ctx context.Context, s *session) error {
	held, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	retried := s.request(other)
	first, err := s.client.Import(ctx, retried)
	if err != nil {
		return err
	}
	// If a retry applied anything, it would bring the other state back.
	if _, err := s.apply(ctx, held); err != nil {
		return err
	}
	for i := range repetitions {
		again, err := s.client.Import(ctx, retried)
		if err != nil {
			return fmt.Errorf("retry %d: %w", i+1, err)
		}
		if err := sameResult(first, again); err != nil {
			return fmt.Errorf("retry %d: %w", i+1, err)
		}
		if !again.Replayed {
			return fmt.Errorf("retry %d: the result is not marked as replayed", i+1)
		}
	}
	if err := s.holds(ctx, held); err != nil {
		return fmt.Errorf("a retry was applied: %w", err)
	}
	return nil
}

func importConflict(ctx context.Context, s *session) error {
	held, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	first := s.request(held)
	if _, err := s.client.Import(ctx, first); err != nil {
		return err
	}
	second := s.request(other)
	second.OperationID = first.OperationID
	_, err = s.client.Import(ctx, second)
	if err := refused(err, codes.AlreadyExists, contract.ReasonOperationConflict); err != nil {
		return err
	}
	return s.unchanged(ctx, held)
}

func importDryRun(ctx context.Context, s *session) error {
	held, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	dry := s.request(other)
	dry.DryRun = true
	predicted, err := s.client.Import(ctx, dry)
	if err != nil {
		return err
	}
	if err := s.holds(ctx, held); err != nil {
		return fmt.Errorf("a dry run changed the state: %w", err)
	}
	applied, err := s.apply(ctx, other)
	if err != nil {
		return err
	}
	predicted.Applied = true
	if err := sameResult(predicted, applied); err != nil {
		return fmt.Errorf("a dry run predicted something else: %w", err)
	}
	broken, _, err := brokenLastRow(held)
	if err != nil {
		return err
	}
	dry = s.request(broken)
	dry.DryRun = true
	_, err = s.client.Import(ctx, dry)
	if err := refused(err, codes.InvalidArgument, contract.ReasonPayloadInvalid); err != nil {
		return fmt.Errorf("a dry run of an invalid payload: %w", err)
	}
	return s.unchanged(ctx, other)
}

func importDropped(ctx context.Context, s *session) error {
	checked := false
	for _, payload := range s.config.Older {
		older := newState()
		for _, d := range payload.Datasets {
			older = older.add(d.Name, d.Schema, d.Data)
		}
		result, err := s.apply(ctx, older)
		if err != nil {
			return fmt.Errorf("payload of release %s: %w", payload.Release, err)
		}
		for _, d := range payload.Datasets {
			if !d.Drops {
				continue
			}
			checked = true
			if err := reports(result, d.Name); err != nil {
				return fmt.Errorf("payload of release %s: %w", payload.Release, err)
			}
		}
		after, err := s.export(ctx)
		if err != nil {
			return err
		}
		for _, d := range result.Datasets {
			if got := appbur.DigestOf(after.payloads[d.Name]); got != d.Digest {
				return fmt.Errorf("payload of release %s: dataset %s: the result says %s, the state is %s", payload.Release, d.Name, d.Digest.Short(), got.Short())
			}
		}
	}
	if !checked {
		return skip("no older payload with data that cannot be kept was given")
	}
	return nil
}

// reports makes sure that the result says what the dataset lost, and that all of
// it was declared.
func reports(result contract.ImportResult, dataset string) error {
	for _, d := range result.Datasets {
		if d.Name != dataset {
			continue
		}
		for _, l := range d.Dropped {
			if !l.Declared {
				return fmt.Errorf("dataset %s: %d rows lost %s without a declaration", dataset, l.Rows, l.Path)
			}
		}
		if len(d.Dropped) > 0 {
			return nil
		}
	}
	return fmt.Errorf("dataset %s: dropped data was not reported", dataset)
}
