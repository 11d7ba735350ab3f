package contracttest

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/appbur/appbur/pkg/contract"
)

// Memory is an application that holds rows in memory, in the order in which they
// were given. It keeps the contract: snapshots are consistent, and nothing is
// visible before a commit.
type Memory struct {
	mu   sync.Mutex
	rows map[string][]contract.Row
}

// NewMemory returns an application that holds the given rows by dataset.
func NewMemory(rows map[string][]contract.Row) *Memory {
	m := &Memory{rows: map[string][]contract.Row{}}
	maps.Copy(m.rows, rows)
	return m
}

// Rows returns what a dataset holds.
func (m *Memory) Rows(dataset string) []contract.Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.rows[dataset])
}

// Snapshot implements [contract.App].
func (m *Memory) Snapshot(context.Context) (contract.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return memoryView(maps.Clone(m.rows)), nil
}

// Begin implements [contract.App].
func (m *Memory) Begin(context.Context) (contract.Transaction, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memoryTransaction{memoryView: maps.Clone(m.rows), memory: m}, nil
}

// memoryView is the rows of one moment. Slices of rows are never changed.
type memoryView map[string][]contract.Row

// Rows implements [contract.Snapshot] and [contract.Rereader].
func (v memoryView) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, row := range v[dataset] {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Close implements [contract.Snapshot].
func (memoryView) Close() error { return nil }

type memoryTransaction struct {
	memoryView
	memory *Memory
}

// Replace implements [contract.Transaction].
func (t *memoryTransaction) Replace(_ context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	var replaced []contract.Row
	for row, err := range rows {
		if err != nil {
			return err
		}
		replaced = append(replaced, bytes.Clone(row))
	}
	t.memoryView[dataset] = replaced
	return nil
}

// Commit implements [contract.Transaction].
func (t *memoryTransaction) Commit(context.Context) error {
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	t.memory.rows = t.memoryView
	return nil
}

// Rollback implements [contract.Transaction].
func (*memoryTransaction) Rollback(context.Context) error { return nil }
