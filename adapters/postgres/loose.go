package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// loose is a constraint that old rows may violate, because it was added NOT VALID and
// never validated. The server enforces it on every new row, so an import of those rows
// needs it out of the way, as PostgreSQL's own dump puts it in place after the rows.
type loose struct {
	relation, name, definition, comment string
	// validated are quoted names of tables that inherit it and were checked against it.
	validated []string
}

// setLooseAside drops the CHECK and NOT NULL constraints of a table that are not validated.
// Foreign keys are set aside whether they are validated or not; what the catalog defines
// them by keeps NOT VALID.
func (tx *transaction) setLooseAside(ctx context.Context, t *table) error {
	rows, err := tx.session.query(ctx, `SELECT n.nspname, c.relname, con.conname, pg_catalog.pg_get_constraintdef(con.oid),
			pg_catalog.obj_description(con.oid, 'pg_constraint'), c.oid
		FROM pg_catalog.pg_constraint con
		JOIN pg_catalog.pg_class c ON c.oid = con.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE con.contype IN ('c', 'n') AND NOT con.convalidated AND con.coninhcount = 0 AND con.conrelid = ANY ($1::pg_catalog.oid[])
		ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", con.conname COLLATE "C"`, "{"+strings.Join(t.relations, ",")+"}")
	if err != nil {
		return fmt.Errorf("reading constraints: %w", err)
	}

	for _, row := range rows {
		l := loose{relation: ident(row[0]) + "." + ident(row[1]), name: row[2], definition: row[3], comment: row[4]}
		heirs, err := tx.session.query(ctx, `WITH RECURSIVE below(oid) AS (
				SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = $1::pg_catalog.oid
				UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON i.inhparent = b.oid)
			SELECT n.nspname, c.relname FROM below
			JOIN pg_catalog.pg_constraint con ON con.conrelid = below.oid AND con.conname = $2 AND con.convalidated AND con.contype IN ('c', 'n')
			JOIN pg_catalog.pg_class c ON c.oid = below.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			ORDER BY 1, 2`, row[5], l.name)
		if err != nil {
			return fmt.Errorf("reading constraints: %w", err)
		}
		for _, heir := range heirs {
			l.validated = append(l.validated, ident(heir[0])+"."+ident(heir[1]))
		}
		if err := tx.session.exec(ctx, "ALTER TABLE "+l.relation+" DROP CONSTRAINT "+ident(l.name)); err != nil {
			return fmt.Errorf("setting the constraint %s aside: %w", l.name, err)
		}
		tx.loose = append(tx.loose, l)
	}
	return nil
}

// putLooseBack adds the constraints again as they were: enforced on new rows, not checked
// against those that are there.
func (tx *transaction) putLooseBack(ctx context.Context) error {
	for _, l := range tx.loose {
		sql := "ALTER TABLE " + l.relation + " ADD CONSTRAINT " + ident(l.name) + " " + l.definition
		if l.comment != "" {
			sql += "; COMMENT ON CONSTRAINT " + ident(l.name) + " ON " + l.relation + " IS " + literal(l.comment)
		}
		for _, heir := range l.validated {
			sql += "; ALTER TABLE " + heir + " VALIDATE CONSTRAINT " + ident(l.name)
		}
		if err := tx.session.exec(ctx, sql); err != nil {
			return failed(err, tx.sensitive(), "putting the constraint %s of table %s back", l.name, l.relation)
		}
	}
	return nil
}

// readUnmet finds the constraints that the table inherits and that were never checked. An
// import cannot set those aside: they are the parent's.
func (t *table) readUnmet(ctx context.Context, s *session) error {
	rows, err := s.query(ctx, `SELECT con.conname, pg_catalog.pg_get_expr(con.conbin, con.conrelid)
		FROM pg_catalog.pg_constraint con
		WHERE con.contype = 'c' AND NOT con.convalidated AND con.coninhcount > 0 AND con.conrelid = $1::pg_catalog.oid
		ORDER BY con.conname COLLATE "C"`, t.oid)
	if err != nil {
		return err
	}
	for _, row := range rows {
		t.unmet = append(t.unmet, unmet{name: row[0], violated: "(" + row[1] + ") IS FALSE"})
	}
	return nil
}

// refuseUnmet ends an export at a row that violates a constraint which no import can set
// aside. verdicts are what the server says of t.unmet.
func (t *table) refuseUnmet(values, verdicts [][]byte) error {
	for i, verdict := range verdicts {
		if string(verdict) != "t" {
			continue
		}
		row, err := t.nameRow(tables.KeyValues(t.columns, t.Key, values))
		if err != nil {
			return err
		}
		return appbur.WithHint(
			contract.NewError(contract.ReasonConstraintViolation, "table %s.%s: %s violates the constraint %s, so it could not be imported again",
				t.Schema, t.Name, row, t.unmet[i].name).
				With("dataset", t.Dataset).With("constraint", t.unmet[i].name),
			fmt.Sprintf("the constraint was inherited NOT VALID; mend the rows that violate it: SELECT * FROM %s WHERE %s", t.from(),
				t.unmet[i].violated))
	}

	return nil
}
