package postgres

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// sequence is one that fills a column of a table: one that the column owns, that of an
// identity column, or any other that the column's default draws from.
type sequence struct {
	schema, name, column       string
	increment, lowest, highest *big.Int
	// numbers says that the column holds the numbers as they are, so that its rows tell
	// which ones are taken. A default may also make a text of one.
	numbers bool
}

func (q sequence) qualified() string { return ident(q.schema) + "." + ident(q.name) }

// counter is the name of the sequence in payloads.
func (q sequence) counter() string { return q.schema + "." + q.name }

// sequencesOf selects the sequences that fill columns of the table $1.
const sequencesOf = `SELECT DISTINCT n.nspname, s.relname, a.attname, q.seqincrement, q.seqmin, q.seqmax, a.atttypid IN (20, 21, 23),
		pg_catalog.has_sequence_privilege(s.oid, 'SELECT')
	FROM (
		SELECT objid AS sequence, refobjsubid AS attnum FROM pg_catalog.pg_depend
		WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
			AND refobjid = $1::pg_catalog.oid AND refobjsubid > 0 AND deptype IN ('a', 'i')
		UNION
		SELECT d.refobjid, f.adnum FROM pg_catalog.pg_attrdef f
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
			AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
		WHERE f.adrelid = $1::pg_catalog.oid) used
	JOIN pg_catalog.pg_class s ON s.oid = used.sequence AND s.relkind = 'S'
	JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
	JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.oid
	JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::pg_catalog.oid AND a.attnum = used.attnum
	ORDER BY 1, 2, 3`

// readSequences returns the sequences that fill columns of the table, and the first of
// them that the role may not read.
func readSequences(ctx context.Context, s *session, t *table) (all []sequence, hidden string, err error) {
	rows, err := s.query(ctx, sequencesOf, t.oid)
	if err != nil {
		return nil, "", fmt.Errorf("reading sequences: %w", err)
	}
	for _, row := range rows {
		q := sequence{schema: row[0], name: row[1], column: row[2], numbers: row[6] == "t"}
		for i, number := range []**big.Int{&q.increment, &q.lowest, &q.highest} {
			if *number, err = numberOf(row[3+i]); err != nil {
				return nil, "", fmt.Errorf("sequence %s: %w", q.counter(), err)
			}
		}
		if row[7] != "t" && hidden == "" {
			hidden = q.qualified()
		}
		all = append(all, q)
	}
	return all, hidden, nil
}

// mayReadSequences refuses to serve tables whose counters cannot be saved: found when the
// adapter starts, it costs no backup.
func mayReadSequences(ctx context.Context, s *session, described []*table) error {
	for _, t := range described {
		_, hidden, err := readSequences(ctx, s, t)
		if err != nil {
			return fmt.Errorf("table %s.%s: %w", t.Schema, t.Name, err)
		}
		if hidden != "" {
			return appbur.WithHint(fmt.Errorf("table %s.%s is numbered by the sequence %s, which the role may not read: a restore would give numbers out again", t.Schema, t.Name, hidden),
				"GRANT SELECT ON SEQUENCE "+hidden+" TO the role of the connection string")
		}
	}
	return nil
}

func numberOf(text string) (*big.Int, error) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}

// next reads the number that the sequence would give, which may lie past its bound.
// Sequences are not part of a snapshot: what is read is at least what it was then.
func (q sequence) next(ctx context.Context, s *session) (*big.Int, error) {
	rows, err := s.query(ctx, "SELECT last_value, is_called FROM "+q.qualified())
	if err != nil {
		return nil, fmt.Errorf("reading sequence %s: %w", q.counter(), err)
	}
	last, err := numberOf(rows[0][0])
	if err != nil {
		return nil, fmt.Errorf("sequence %s: %w", q.counter(), err)
	}
	if rows[0][1] == "t" {
		last.Add(last, q.increment)
	}
	return last, nil
}

// ahead reports whether the sequence comes to b before it comes to a.
func (q sequence) ahead(a, b *big.Int) bool { return a.Cmp(b)*q.increment.Sign() > 0 }

// Positions implements [contract.PositionSnapshot].
func (s *snapshot) Positions(ctx context.Context, dataset string) ([]appbur.Position, error) {
	t, ok := s.tables[dataset]
	if !ok {
		return nil, tables.UnknownDataset(dataset)
	}
	sequences, _, err := readSequences(ctx, s.session, t)
	if err != nil {
		return nil, t.failed(err, "exporting")
	}
	var positions []appbur.Position
	for _, q := range sequences {
		next, err := q.next(ctx, s.session)
		if err != nil {
			return nil, t.failed(err, "exporting")
		}
		positions = append(positions, appbur.Position{Field: q.column, Counter: q.counter(), Next: next.String()})
	}
	return positions, nil
}

// Continue implements [contract.PositionTransaction]. The sequences move with the rows,
// in Commit.
func (tx *transaction) Continue(_ context.Context, dataset string, positions []appbur.Position) error {
	t, ok := tx.tables[dataset]
	if !ok {
		return tables.UnknownDataset(dataset)
	}
	for _, p := range positions {
		if _, err := numberOf(p.Next); err != nil {
			return contract.NewError(contract.ReasonPayloadInvalid, "table %s.%s: the position of %s: %w", t.Schema, t.Name, p.Field,
				err).With("dataset", dataset)
		}
	}
	tx.positions[dataset] = positions
	return nil
}

// continueSequences moves the sequences of a table past every number that was given out:
// past those that the payload says, past those of the imported rows, and never back. A
// rollback undoes it.
func (tx *transaction) continueSequences(ctx context.Context, t *table) error {
	sequences, _, err := readSequences(ctx, tx.session, t)
	if err != nil {
		return err
	}

	for _, q := range sequences {
		want, err := tx.wanted(ctx, t, q, sequences)
		if err != nil {
			return err
		}
		if want == nil {
			continue
		}
		now, err := q.next(ctx, tx.session)
		if err != nil {
			return err
		}
		if q.ahead(want, now) {
			if err := q.move(ctx, tx.session, want); err != nil {
				return fmt.Errorf("sequence %s: %w", q.counter(), err)
			}
		}
	}

	tx.tellUnknownCounters(ctx, t, sequences)
	return nil
}

// wanted is the number that a sequence must not go below, or nil when nothing says so.
func (tx *transaction) wanted(ctx context.Context, t *table, q sequence, all []sequence) (*big.Int, error) {
	var want *big.Int
	for _, p := range tx.positions[t.Dataset] {
		if !q.is(p, all) {
			continue
		}
		next, err := numberOf(p.Next)
		if err != nil {
			return nil, err
		}
		if want == nil || q.ahead(next, want) {
			want = next
		}
	}
	if !q.numbers {
		return want, nil
	}

	farthest := "max"
	if q.increment.Sign() < 0 {
		farthest = "min"
	}
	rows, err := tx.session.query(ctx, "SELECT pg_catalog."+farthest+"("+ident(q.column)+") FROM "+t.from())
	if err != nil {
		return nil, fmt.Errorf("reading the numbers of column %s: %w", q.column, err)
	}
	if rows[0][0] == "" {
		return want, nil // there are no rows
	}
	next, err := numberOf(rows[0][0])
	if err != nil {
		return nil, err
	}
	if next.Add(next, q.increment); want == nil || q.ahead(next, want) {
		want = next
	}
	return want, nil
}

// is reports whether a saved position is one of this sequence: by name, or, where the
// database names its sequences otherwise, by the column that it alone fills.
func (q sequence) is(p appbur.Position, all []sequence) bool {
	if p.Field != q.column {
		return false
	}
	alone := !slices.ContainsFunc(all, func(other sequence) bool { return other.column == q.column && other.counter() != q.counter() })
	return alone || p.Counter == q.counter()
}

// tellUnknownCounters says which saved positions nothing of the table took: there, rows
// are numbered in another way now.
func (tx *transaction) tellUnknownCounters(ctx context.Context, t *table, sequences []sequence) {
	for _, p := range tx.positions[t.Dataset] {
		if !slices.ContainsFunc(sequences, func(q sequence) bool { return q.is(p, sequences) }) {
			tx.adapter.log.WarnContext(ctx, "the payload has the position of a sequence that the table does not use",
				"table", t.Schema+"."+t.Name, "column", p.Field, "sequence", p.Counter, "next", p.Next)
		}
	}
}

// move makes want the next number. ALTER SEQUENCE gives the sequence a new file, which a
// rollback throws away together with what setval then does to it; setval alone is not
// undone.
func (q sequence) move(ctx context.Context, s *session, want *big.Int) error {
	// From here on no other session draws a number, so that what is read now stays true.
	if err := s.exec(ctx, "ALTER SEQUENCE "+q.qualified()+" INCREMENT BY "+q.increment.String()); err != nil {
		return err
	}
	now, err := q.next(ctx, s)
	if err != nil {
		return err
	}
	if !q.ahead(want, now) {
		return nil
	}

	first, bound := q.lowest, q.highest
	if q.increment.Sign() < 0 {
		first, bound = q.highest, q.lowest
	}
	switch {
	case q.ahead(want, bound): // all numbers were given out: the next insert says so
		if err := s.exec(ctx, "ALTER SEQUENCE "+q.qualified()+" RESTART WITH "+bound.String()); err != nil {
			return err
		}
		return s.exec(ctx, "SELECT pg_catalog.setval("+literal(q.qualified())+", "+bound.String()+", true)")
	case q.ahead(first, want):
		want = first
	}
	return s.exec(ctx, "ALTER SEQUENCE "+q.qualified()+" RESTART WITH "+want.String())
}
