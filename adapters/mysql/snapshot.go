package mysql

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// Snapshot opens a read-only transaction that sees one moment of all tables.
func (a *Adapter) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	s, described, err := a.begin(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
	if err != nil {
		return nil, err
	}
	return &snapshot{session: s, tables: described}, nil
}

type snapshot struct {
	session *session
	tables  map[string]*table
}

// Rows yields the rows of one table as the server sends them. A consumer that
// stops early ends the snapshot.
func (s *snapshot) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		t, ok := s.tables[dataset]
		if !ok {
			yield(nil, unknownDataset(dataset))
			return
		}
		encoder, err := tables.NewEncoder(t.Name, t.columns)
		if err != nil {
			yield(nil, err)
			return
		}
		stopped := errors.New("the consumer stopped")
		err = s.session.stream(ctx, t.selectRows(t.columns), func(values [][]byte) error {
			row, err := encoder.Encode(values)
			if err != nil {
				return err
			}
			if !yield(slices.Clone(row), nil) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(nil, t.failed(err, "exporting"))
		}
	}
}

// Close ends the transaction.
func (s *snapshot) Close() error {
	s.session.close()
	return nil
}
