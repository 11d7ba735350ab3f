package contracttest

import (
	"context"
	"errors"
	"fmt"
)

func exportFingerprint(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	first, err := s.client.Fingerprints(ctx)
	if err != nil {
		return err
	}

	for range s.config.Repeat {
		again, err := s.client.Fingerprints(ctx)
		if err != nil {
			return err
		}
		if err := sameTokens(first, again); err != nil {
			return err
		}
	}

	changed := 0
	for _, name := range before.order {
		one, err := before.only(name).shrunk()
		if err != nil {
			continue // it has no rows
		}
		// Rows that others refer to cannot go alone; then nothing is shown.
		if _, err := s.apply(ctx, one); err != nil {
			continue
		}
		after, err := s.client.Fingerprints(ctx, name)
		if err != nil {
			return err
		}
		if string(after[name]) == string(first[name]) {
			return fmt.Errorf("dataset %s lost a row and kept its fingerprint", name)
		}
		changed++
		if _, err := s.apply(ctx, before); err != nil {
			return err
		}
		if first, err = s.client.Fingerprints(ctx); err != nil {
			return err
		}
	}

	if s.instance.Mutate != nil {
		if err := s.instance.Mutate(ctx); err != nil {
			return fmt.Errorf("changing the state by %s: %w", s.named("Mutate"), err)
		}
		after, err := s.client.Fingerprints(ctx)
		if err != nil {
			return err
		}
		if sameTokens(first, after) == nil {
			return errors.New("the application changed its state and no fingerprint")
		}
		changed++
	}

	if changed == 0 {
		return s.needs(", because no dataset could be changed by an import", "Mutate")
	}
	return nil
}

func sameTokens(a, b map[string][]byte) error {
	for name, token := range a {
		if string(b[name]) != string(token) {
			return fmt.Errorf("the fingerprint of dataset %s changed and its content did not", name)
		}
	}
	return nil
}
