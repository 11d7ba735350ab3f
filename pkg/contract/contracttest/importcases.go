package contracttest

import (
	"context"
	"errors"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

func importRoundTrip(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	if _, err := before.last(); err != nil {
		return err
	}

	if _, err := s.apply(ctx, before.empty()); err != nil {
		return fmt.Errorf("emptying the application: %w", err)
	}
	if err := s.holds(ctx, before.empty()); err != nil {
		return fmt.Errorf("emptying the application: %w", err)
	}
	result, err := s.apply(ctx, before)
	if err != nil {
		return err
	}

	for _, d := range result.Datasets {
		if want := appbur.DigestOf(before.payload(d.Name)); d.Digest != want {
			return fmt.Errorf("dataset %s: the result says %s, the state is %s", d.Name, d.Digest.Short(), want.Short())
		}
	}
	return s.holds(ctx, before)
}

func importReplaces(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	for _, next := range []state{other, before} {
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
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	first, err := s.apply(ctx, before)
	if err != nil {
		return err
	}
	second, err := s.apply(ctx, before)
	if err != nil {
		return err
	}
	if err := sameResult(first, second); err != nil {
		return err
	}
	return s.holds(ctx, before)
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
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	retried := s.request(other)
	first, err := s.client.Import(ctx, retried)
	if err != nil {
		return err
	}

	// If a retry applied anything, it would bring the other state back.
	if _, err := s.apply(ctx, before); err != nil {
		return err
	}

	for i := range s.config.Repeat {
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

	if err := s.holds(ctx, before); err != nil {
		return fmt.Errorf("a retry was applied: %w", err)
	}
	return nil
}

func importConflict(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	first := s.request(before)
	if _, err := s.client.Import(ctx, first); err != nil {
		return err
	}
	second := s.request(other)
	second.OperationID = first.OperationID
	_, err = s.client.Import(ctx, second)
	if err := refused(err, contract.ReasonOperationConflict); err != nil {
		return err
	}
	return s.unchanged(ctx, before)
}

func importDryRun(ctx context.Context, s *session) error {
	before, other, err := s.twoStates(ctx)
	if err != nil {
		return err
	}
	dry := s.request(other)
	dry.DryRun = true
	predicted, err := s.client.Import(ctx, dry)
	if err != nil {
		return err
	}
	if err := s.holds(ctx, before); err != nil {
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

	broken, _, err := brokenLastRow(before)
	if err != nil {
		return failure(err) // opaque payloads have no rows to break
	}
	dry = s.request(broken)
	dry.DryRun = true
	_, err = s.client.Import(ctx, dry)
	if err := refused(err, contract.ReasonPayloadInvalid); err != nil {
		return fmt.Errorf("a dry run of an invalid payload: %w", err)
	}
	return s.unchanged(ctx, other)
}
