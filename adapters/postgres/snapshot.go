package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// Snapshot opens a read-only transaction that sees one moment of all tables.
func (a *Adapter) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	s, described, err := a.begin(ctx, "ISOLATION LEVEL REPEATABLE READ READ ONLY", "ACCESS SHARE")
	if err != nil {
		return nil, err
	}
	return &snapshot{session: s, tables: described}, nil
}

type snapshot struct {
	session *session
	tables  map[string]*table
	orphans map[string][]orphan // by oid of the table; nil until it is asked for
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
			err = s.refuseOrphans(ctx, t)
		}
		if err != nil {
			yield(nil, err)
			return
		}

		stopped := errors.New("the consumer stopped")
		err = s.session.stream(ctx, t.exportRows(), func(values [][]byte) error {
			values, verdicts := values[:len(t.columns)], values[len(t.columns):]
			if err := t.refuseUnmet(values, verdicts); err != nil {
				return err
			}
			if err := unhex(t.columns, values); err != nil {
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

// Close ends the transaction.
func (s *snapshot) Close() error {
	s.session.close()
	return nil
}

// unhex turns the server's text of bytea columns, "\x00ff", into the bytes, in place.
func unhex(columns []tables.Column, values [][]byte) error {
	for i, c := range columns {
		if c.Form != tables.Bytes || values[i] == nil {
			continue
		}
		if len(values[i]) < 2 || values[i][0] != '\\' || values[i][1] != 'x' {
			return fmt.Errorf("column %s: the server printed bytea in an unknown format", c.Name)
		}
		digits := values[i][2:]
		n, err := hex.Decode(values[i][:len(digits)/2], digits)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		values[i] = values[i][:n]
	}
	return nil
}
