// Package adaptertest drives an adapter in tests as the contract's server does,
// without a wire in between, so that a test can look at single rows.
package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/contract"
)

// Adapter is what is driven.
type Adapter interface {
	contract.App
	Datasets() []contract.Dataset
}

// Payloads holds rows as text, per dataset.
type Payloads map[string][]string

// Collect reads rows to their end or to the first error.
func Collect(rows iter.Seq2[contract.Row, error]) ([]string, error) {
	var all []string
	for row, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, string(row))
	}
	return all, nil
}

// Export reads all datasets from one snapshot.
func Export(t testing.TB, a Adapter) Payloads {
	t.Helper()
	s, err := a.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the snapshot: %v", err)
		}
	}()
	out := Payloads{}
	for _, d := range a.Datasets() {
		if out[d.Name], err = Collect(s.Rows(t.Context(), d.Name)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Feed yields the rows one by one.
func Feed(rows []string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, row := range rows {
			if !yield(json.RawMessage(row), nil) {
				return
			}
		}
	}
}

// Load imports in one transaction, each dataset after those it depends on, and
// rolls back when anything fails.
func Load(ctx context.Context, a Adapter, p Payloads) error {
	tx, err := a.Begin(ctx)
	if err != nil {
		return err
	}

	done := map[string]bool{}
	for len(done) < len(a.Datasets()) {
		for _, d := range a.Datasets() {
			ready := !done[d.Name]
			for _, on := range d.DependsOn {
				ready = ready && done[on]
			}
			if !ready {
				continue
			}
			done[d.Name] = true
			rows, ok := p[d.Name]
			if !ok {
				continue
			}
			if err := tx.Replace(ctx, d.Name, Feed(rows)); err != nil {
				return errors.Join(err, tx.Rollback(ctx))
			}
		}
	}

	if err := tx.Commit(ctx); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	return nil
}

// MustLoad is Load for a test that cannot go on without.
func MustLoad(t testing.TB, a Adapter, p Payloads) {
	t.Helper()
	if err := Load(t.Context(), a, p); err != nil {
		t.Fatal(err)
	}
}

// Same reports how two sets of payloads differ.
func Same(t testing.TB, what string, want, got Payloads) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
