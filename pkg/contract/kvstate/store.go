package kvstate

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/appbur/appbur/pkg/contract"
)

// Dataset describes one map; see [contract.Dataset] for each field. Key and Fields
// follow from the form of a row.
type Dataset struct {
	Name, Description string
	Schema, Reads     string
	Required, Clear   bool
	// DependsOn orders maps. Whether what one names exists in the other is not
	// checked: an application that needs that checks it in a Transaction of its own.
	DependsOn []string
	Upcasts   []contract.Upcast
}

// Store holds maps that are saved and restored together. The zero value is empty.
// Maps are added before it is served.
type Store struct {
	mu     sync.RWMutex
	tables []table
}

// table is a map whatever its values are.
type table interface {
	describe() contract.Dataset
	// view is the map as it is now. The caller holds the lock.
	view() view
	// read makes a view of rows, which install makes the map. The caller of install
	// holds the lock.
	read(rows iter.Seq2[contract.Row, error]) (view, error)
	install(view)
}

// view is a map that is never changed.
type view interface {
	rows(yield func(contract.Row, error) bool)
}

var (
	_ contract.App      = (*Store)(nil)
	_ contract.Rereader = (*transaction)(nil)
)

// Datasets are for contract.Options.
func (s *Store) Datasets() []contract.Dataset {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]contract.Dataset, len(s.tables))
	for i, t := range s.tables {
		list[i] = t.describe()
	}
	return list
}

// Snapshot implements [contract.App].
func (s *Store) Snapshot(context.Context) (contract.Snapshot, error) { return s.views(), nil }

// Begin implements [contract.App].
func (s *Store) Begin(context.Context) (contract.Transaction, error) {
	return &transaction{views: s.views(), store: s}, nil
}

func (s *Store) views() views {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := views{}
	for _, t := range s.tables {
		all[t.describe().Name] = t.view()
	}
	return all
}

// views are all maps of one moment.
type views map[string]view

// Rows implements [contract.Snapshot] and [contract.Rereader].
func (v views) Rows(_ context.Context, dataset string) iter.Seq2[contract.Row, error] {
	if one, ok := v[dataset]; ok {
		return one.rows
	}
	return func(yield func(contract.Row, error) bool) { yield(nil, fmt.Errorf("there is no map %q", dataset)) }
}

// Close implements [contract.Snapshot].
func (views) Close() error { return nil }

// transaction collects what an import replaces.
type transaction struct {
	views
	store    *Store
	replaced []func()
}

// Replace implements [contract.Transaction].
func (t *transaction) Replace(_ context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	i := slices.IndexFunc(t.store.tables, func(other table) bool { return other.describe().Name == dataset })
	if i < 0 {
		return fmt.Errorf("there is no map %q", dataset)
	}
	next, err := t.store.tables[i].read(rows)
	if err != nil {
		return err
	}
	t.views[dataset] = next
	t.replaced = append(t.replaced, func() { t.store.tables[i].install(next) })
	return nil
}

// Commit implements [contract.Transaction].
func (t *transaction) Commit(context.Context) error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	for _, install := range t.replaced {
		install()
	}
	return nil
}

// Rollback implements [contract.Transaction].
func (*transaction) Rollback(context.Context) error { return nil }
