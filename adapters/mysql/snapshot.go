package mysql

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/appbur/appbur"
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

var _ contract.PositionSnapshot = (*snapshot)(nil)

// Rows yields the rows of one table as the server sends them. A consumer that
// stops early ends the snapshot.
func (s *snapshot) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		t, ok := s.tables[dataset]
		if !ok {
			yield(nil, tables.UnknownDataset(dataset))
			return
		}

		encoder, err := tables.NewEncoder(t.Name, t.columns)
		if err == nil {
			err = s.refuseErrorValues(ctx, t)
		}
		if err == nil {
			err = s.refuseOrphans(ctx, t)
		}
		if err != nil {
			yield(nil, err)
			return
		}

		stopped := errors.New("the consumer stopped")
		err = s.session.stream(ctx, t.exportRows(), func(values [][]byte) error {
			values, verdicts := values[:len(t.columns)], values[len(t.columns):]
			if err := t.refuseViolations(values, verdicts); err != nil {
				return err
			}
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

// refuseErrorValues finds what reads like a value and is none: number 0 of an
// enumeration, which a server that is not strict stores for a label that it does not
// know. It prints as the empty text, which no import could write again.
func (s *snapshot) refuseErrorValues(ctx context.Context, t *table) error {
	for _, column := range t.enums {
		found, err := s.session.query(ctx, "SELECT 1 FROM "+t.qualified()+" WHERE "+ident(column)+" + 0 = 0 LIMIT 1")
		if err != nil {
			return t.failed(err, "exporting")
		}
		if len(found) > 0 {
			return appbur.WithHint(
				contract.NewError(contract.ReasonAppFailed,
					"table %s, column %s: a row holds the error value of the enumeration, which cannot be imported again", t, column).
					With("dataset", t.Dataset).With("column", column),
				"give those rows one of the column's labels, or NULL: … WHERE "+ident(column)+" + 0 = 0")
		}
	}
	return nil
}

// Close ends the transaction.
func (s *snapshot) Close() error {
	s.session.close()
	return nil
}
