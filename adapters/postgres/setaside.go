package postgres

import (
	"context"
	"fmt"
	"slices"
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
	if err := tx.setLooseAside(ctx, t); err != nil {
		return err
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
	if err := tx.putLooseBack(ctx); err != nil {
		return err
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
