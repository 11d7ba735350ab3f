package mysql

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// nextvalOf is how MariaDB prints a default that draws from a sequence.
var nextvalOf = regexp.MustCompile("(?i)^nextval\\(((?:`(?:[^`]|``)+`\\.)?`(?:[^`]|``)+`)\\)$")

// drawnFrom returns the sequence of a column's default as the server quotes it, or "".
func drawnFrom(columnDefault string) string {
	if m := nextvalOf.FindStringSubmatch(columnDefault); m != nil {
		return m[1]
	}
	return ""
}

// Positions implements [contract.PositionSnapshot]. Counters are not part of a snapshot:
// what is read is at least what they were then.
func (s *snapshot) Positions(ctx context.Context, dataset string) ([]appbur.Position, error) {
	t, ok := s.tables[dataset]
	if !ok {
		return nil, tables.UnknownDataset(dataset)
	}
	var positions []appbur.Position

	if t.counter != "" {
		next, err := t.nextNumber(ctx, s.session)
		if err != nil {
			return nil, t.failed(err, "exporting")
		}
		positions = append(positions, appbur.Position{Field: t.counter, Next: next.String()})
	}

	for _, column := range slices.Sorted(maps.Keys(t.drawn)) {
		// What other sessions keep for themselves was given out.
		rows, err := s.session.query(ctx, "SELECT next_not_cached_value FROM "+t.drawn[column])
		if err != nil {
			return nil, t.failed(err, "reading the sequence "+t.drawn[column]+" of")
		}
		positions = append(positions, appbur.Position{Field: column, Counter: t.drawn[column], Next: rows[0][0]})
	}

	return positions, nil
}

// nextNumber is the AUTO_INCREMENT of the table.
func (t *table) nextNumber(ctx context.Context, s *session) (*big.Int, error) {
	rows, err := s.query(ctx, `SELECT COALESCE(AUTO_INCREMENT, 1) FROM information_schema.TABLES
		WHERE CAST(TABLE_SCHEMA AS BINARY) = ? AND CAST(TABLE_NAME AS BINARY) = ?`, t.Schema, t.Name)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("table %s is there no more", t)
	}
	return numberOf(rows[0][0])
}

func numberOf(text string) (*big.Int, error) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}

// Continue implements [contract.PositionTransaction]. The counters move after the commit:
// the server has no statement for them that does not commit by itself.
func (tx *transaction) Continue(ctx context.Context, dataset string, positions []appbur.Position) error {
	t, ok := tx.tables[dataset]
	if !ok {
		return tables.UnknownDataset(dataset)
	}

	for _, p := range positions {
		want, err := numberOf(p.Next)
		if err != nil {
			return contract.NewError(contract.ReasonPayloadInvalid, "table %s: the position of %s: %w", t, p.Field, err).With("dataset", dataset)
		}
		if p.Field != t.counter {
			continue
		}
		// What a missing right forbids must not be found when the rows are committed.
		now, err := t.nextNumber(ctx, tx.session)
		if err != nil {
			return t.failed(err, "reading the counter of")
		}
		if want.Cmp(now) > 0 {
			if err := t.mayAlter(ctx, tx.session); err != nil {
				return err
			}
		}
	}

	tx.positions[dataset] = positions
	return nil
}

// mayAlter refuses when no grant that the user can see allows ALTER TABLE.
func (t *table) mayAlter(ctx context.Context, s *session) error {
	rows, err := s.query(ctx, `SELECT
		(SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'ALTER')
		+ (SELECT COUNT(*) FROM information_schema.SCHEMA_PRIVILEGES WHERE PRIVILEGE_TYPE = 'ALTER' AND ? LIKE TABLE_SCHEMA)
		+ (SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES WHERE PRIVILEGE_TYPE = 'ALTER' AND TABLE_SCHEMA = ? AND TABLE_NAME = ?)`, t.Schema, t.Schema, t.Name)
	if err != nil {
		return t.failed(err, "reading the rights on")
	}
	if rows[0][0] != "0" {
		return nil
	}
	return appbur.WithHint(contract.NewError(contract.ReasonAppFailed,
		"table %s: its AUTO_INCREMENT cannot be set: the user has no right to ALTER it", t).With("dataset", t.Dataset),
		"GRANT ALTER ON "+t.qualified()+
			" TO the user of the connection string, or numbers that were given out before the backup would be given out again")
}

// continueCounters has counters go on where they were when the rows were saved. The rows
// are committed: an error says so. Until it ends, and if the adapter ends before, counters
// go on after the highest number that the table holds or ever held here, as they do
// without positions; the same import, made again, sets them.
func (tx *transaction) continueCounters(ctx context.Context) error {
	for _, r := range tx.replaced {
		for _, p := range tx.positions[r.table.Dataset] {
			want, err := numberOf(p.Next)
			if err != nil {
				return err
			}
			if err := tx.continueCounter(ctx, r.table, p, want); err != nil {
				err = r.table.failed(err, fmt.Sprintf("the rows are in place, but the next number is not %s: continuing the counter of", p.Next))
				return appbur.WithHint(err, "import the same state again, before rows are added")
			}
		}
	}
	return nil
}

func (tx *transaction) continueCounter(ctx context.Context, t *table, p appbur.Position, want *big.Int) error {
	if sequence := t.drawn[p.Field]; sequence != "" {
		// The server itself refuses to set a sequence back. The number is the next one.
		_, err := tx.session.query(ctx, "SELECT SETVAL("+sequence+", "+want.String()+", 0)")
		return err
	}
	if p.Field != t.counter {
		tx.adapter.log.WarnContext(ctx, "the payload has the position of a counter that the table does not have", "table", t.String(), "column",
			p.Field, "next", p.Next)
		return nil
	}
	now, err := t.nextNumber(ctx, tx.session)
	if err != nil || want.Cmp(now) <= 0 {
		return err
	}
	return tx.session.exec(ctx, "ALTER TABLE "+t.qualified()+" AUTO_INCREMENT = "+want.String())
}
