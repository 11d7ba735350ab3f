package contracttest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// TestBrokenApplicationsFail proves that cases can fail: every broken
// application must be caught by at least the cases named.
func TestBrokenApplicationsFail(t *testing.T) {
	tests := map[string]struct {
		start  func(context.Context) (*contracttest.Instance, error)
		caught []string
	}{
		"an export that ends with OK in the middle": {
			start:  liar(lies{export: truncate}),
			caught: []string{"EXP-002", "EXP-009"},
		},
		"a trailer with a wrong digest": {
			start:  liar(lies{export: wrongDigest}),
			caught: []string{"EXP-003"},
		},
		"an export that loses a chunk": {
			start:  liar(lies{export: loseChunk}),
			caught: []string{"EXP-003"},
		},
		"a chunk at a wrong offset": {
			start:  liar(lies{export: shiftChunk}),
			caught: []string{"EXP-002"},
		},
		"an import that is applied again under the same operation id": {
			start:  liar(lies{importing: forgetful()}),
			caught: []string{"IMP-004", "IMP-005"},
		},
		"an import that hides what it dropped": {
			start:  liar(lies{result: hideDropped}),
			caught: []string{"IMP-017"},
		},
		"an answer of GetInfo that counts the calls": {
			start:  liar(lies{info: counting()}),
			caught: []string{"INFO-001"},
		},
		"a limit of zero": {
			start:  liar(lies{info: noLimits}),
			caught: []string{"INFO-004"},
		},
		"rows that differ from export to export": {
			start:  app(func() contract.App { return &restless{Memory: contracttest.NewMemory(roster())} }),
			caught: []string{"EXP-004"},
		},
		"rows visible before the commit": {
			start:  app(func() contract.App { return &hasty{Memory: contracttest.NewMemory(roster())} }),
			caught: []string{"IMP-012", "IMP-013"},
		},
		"rows that an import leaves behind": {
			start:  app(func() contract.App { return &merging{Memory: contracttest.NewMemory(roster())} }),
			caught: []string{"EXP-001", "IMP-002"},
		},
		"an import that says so and does nothing": {
			start:  app(func() contract.App { return &lazy{Memory: contracttest.NewMemory(roster())} }),
			caught: []string{"EXP-001", "IMP-001", "IMP-002"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report := contracttest.Check(t.Context(), contracttest.Config{Start: test.start, Older: older()})
			failed := report.Failed()
			for _, id := range test.caught {
				if !slices.Contains(failed, id) {
					t.Errorf("%s passed\n%s", id, report)
				}
			}
		})
	}
}

func app(fresh func() contract.App) func(context.Context) (*contracttest.Instance, error) {
	return contracttest.InProcess(func() (contract.App, contract.Options, error) { return fresh(), options(), nil })
}

// restless exports another row every time.
type restless struct {
	*contracttest.Memory
	mu      sync.Mutex
	exports int
}

func (a *restless) Snapshot(context.Context) (contract.Snapshot, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.exports++
	row := contract.Row(fmt.Sprintf(`{"team":"export %d"}`, a.exports))
	return fixed{"teams": {row}, "members": a.Rows("members")}, nil
}

type fixed map[string][]contract.Row

func (f fixed) Rows(_ context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, row := range f[dataset] {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (fixed) Close() error { return nil }

// bare hides that the transaction of Memory can be read, so that the SDK does not
// catch the broken application before the kit does.
type bare struct{ contract.Transaction }

// hasty commits every dataset as it comes.
type hasty struct{ *contracttest.Memory }

type hastyTransaction struct {
	bare
	app *hasty
}

func (a *hasty) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.Memory.Begin(ctx)
	return &hastyTransaction{bare{tx}, a}, err
}

func (t *hastyTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	var taken []contract.Row
	var failure error
	for row, err := range rows {
		if err != nil {
			failure = err
			break
		}
		taken = append(taken, row)
	}
	err := t.bare.Replace(ctx, dataset, func(yield func(contract.Row, error) bool) {
		for _, row := range taken {
			if !yield(row, nil) {
				return
			}
		}
	})
	return errors.Join(failure, err, t.Commit(ctx))
}

// merging adds what is new and keeps what is old.
type merging struct{ *contracttest.Memory }

type mergingTransaction struct {
	bare
	app *merging
}

func (a *merging) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.Memory.Begin(ctx)
	return &mergingTransaction{bare{tx}, a}, err
}

func (t *mergingTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	have := map[string]bool{}
	for row, err := range rows {
		if err != nil {
			return err
		}
		have[string(row)] = true
	}
	held := t.app.Rows(dataset)
	return t.bare.Replace(ctx, dataset, func(yield func(contract.Row, error) bool) {
		for _, row := range held {
			if !yield(row, nil) {
				return
			}
		}
	})
}

// lazy takes all rows and keeps none.
type lazy struct{ *contracttest.Memory }

type lazyTransaction struct{ bare }

func (a *lazy) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.Memory.Begin(ctx)
	return lazyTransaction{bare{tx}}, err
}

func (lazyTransaction) Commit(context.Context) error { return nil }
