package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// trigger is a user's trigger that fires for somebody.
type trigger struct {
	relation, name string
	state          string // pg_trigger.tgenabled
}

// enable says how each firing state is set. A blanket ENABLE would turn triggers
// that fire on replicas only, or always, into ordinary ones.
var enable = map[string]string{
	"O": "ENABLE TRIGGER",
	"R": "ENABLE REPLICA TRIGGER",
	"A": "ENABLE ALWAYS TRIGGER",
}

// setAside removes what would act on single rows while the table is half filled:
// its triggers, and the foreign keys from and to it.
func (tx *transaction) setAside(ctx context.Context, t *table) error {
	relations := "{" + strings.Join(t.relations, ",") + "}"
	rows, err := tx.session.query(ctx, `SELECT n.nspname, c.relname, g.tgname, g.tgenabled
		FROM pg_catalog.pg_trigger g
		JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE g.tgrelid = ANY ($1::pg_catalog.oid[]) AND NOT g.tgisinternal AND g.tgenabled <> 'D'
		ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", g.tgname COLLATE "C"`, relations)
	if err != nil {
		return fmt.Errorf("reading triggers: %w", err)
	}
	for _, row := range rows {
		g := trigger{relation: ident(row[0]) + "." + ident(row[1]), name: row[2], state: row[3]}
		if err := tx.session.exec(ctx, "ALTER TABLE ONLY "+g.relation+" DISABLE TRIGGER "+ident(g.name)); err != nil {
			return fmt.Errorf("disabling trigger %s: %w", g.name, err)
		}
		tx.triggers = append(tx.triggers, g)
	}
	keys, err := readForeignKeys(ctx, tx.session, t.relations)
	if err != nil {
		return err
	}
	for _, key := range keys { // those that were dropped for another table are gone from the catalog
		if err := tx.session.exec(ctx, "ALTER TABLE "+key.relation+" DROP CONSTRAINT "+ident(key.name)); err != nil {
			return fmt.Errorf("setting foreign key %s aside: %w", key.name, err)
		}
		tx.keys = append(tx.keys, key)
	}
	return nil
}

// putBack adds the foreign keys again, which checks all rows, and lets the
// triggers fire again as they did before.
func (tx *transaction) putBack(ctx context.Context) error {
	for _, key := range tx.keys {
		sql := "ALTER TABLE " + key.relation + " ADD CONSTRAINT " + ident(key.name) + " " + key.definition
		if key.comment != "" {
			sql += "; COMMENT ON CONSTRAINT " + ident(key.name) + " ON " + key.relation + " IS " + literal(key.comment)
		}
		if err := tx.session.exec(ctx, sql); err != nil {
			return failed(err, tx.sensitive(), "checking foreign key %s of table %s", key.name, key.relation)
		}
	}
	for _, g := range tx.triggers {
		if err := tx.session.exec(ctx, "ALTER TABLE ONLY "+g.relation+" "+enable[g.state]+" "+ident(g.name)); err != nil {
			return failed(err, false, "enabling trigger %s of table %s", g.name, g.relation)
		}
	}
	return nil
}

// sensitive reports whether an error that may be about any of the replaced tables
// must not quote values.
func (tx *transaction) sensitive() bool {
	return slices.ContainsFunc(tx.replaced, func(r replacement) bool { return r.table.Sensitive })
}

// continueSequences moves every sequence that fills an integer column of the table
// past the imported rows, so that the next row does not take the number of an
// imported one. It never moves a sequence back. ALTER SEQUENCE is undone by a
// rollback, setval is not.
func (tx *transaction) continueSequences(ctx context.Context, t *table) error {
	rows, err := tx.session.query(ctx, `SELECT DISTINCT n.nspname, s.relname, a.attname, q.seqincrement, q.seqmin, q.seqmax
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
		WHERE a.atttypid IN (20, 21, 23) ORDER BY 1, 2, 3`, t.oid)
	if err != nil {
		return fmt.Errorf("reading sequences: %w", err)
	}
	for _, row := range rows {
		sequence, column := ident(row[0])+"."+ident(row[1]), ident(row[2])
		var numbers [3]int64
		for i, text := range row[3:] {
			if numbers[i], err = strconv.ParseInt(text, 10, 64); err != nil {
				return fmt.Errorf("sequence %s: %w", sequence, err)
			}
		}
		increment, lowest, highest := numbers[0], numbers[1], numbers[2]
		farthest, comparison := "max", ">="
		if increment < 0 {
			farthest, comparison = "min", "<="
		}
		// The farthest row, where the sequence has not passed it yet.
		position, err := tx.session.query(ctx, "SELECT r.farthest FROM (SELECT pg_catalog."+farthest+"("+column+") AS farthest FROM "+t.from()+
			") r, "+sequence+" s WHERE r.farthest "+comparison+" s.last_value")
		if err != nil {
			return fmt.Errorf("reading sequence %s: %w", sequence, err)
		}
		if len(position) == 0 {
			continue
		}
		last, err := strconv.ParseInt(position[0][0], 10, 64)
		if err != nil {
			return fmt.Errorf("sequence %s: %w", sequence, err)
		}
		if err := tx.session.exec(ctx, "ALTER SEQUENCE "+sequence+" RESTART WITH "+strconv.FormatInt(following(last, increment, lowest, highest), 10)); err != nil {
			return fmt.Errorf("sequence %s: %w", sequence, err)
		}
	}
	return nil
}

// following is the next number of a sequence after last, held within its bounds:
// a sequence at its bound has no free number, and the next insert says so.
func following(last, increment, lowest, highest int64) int64 {
	switch {
	case increment > 0 && last > highest-increment:
		return highest
	case increment < 0 && last < lowest-increment:
		return lowest
	default:
		return min(max(last+increment, lowest), highest)
	}
}
