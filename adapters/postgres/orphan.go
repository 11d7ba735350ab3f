package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// orphan is a foreign key whose rows the server believes to be whole.
type orphan struct{ name, to, where string }

// refuseOrphans looks for rows of the table whose references lead nowhere. The server
// lets them in while triggers are disabled or session_replication_role is replica, and
// says nothing; an import, which puts foreign keys back, would be refused because of them.
// A foreign key that is NOT VALID is put back as such and takes them.
func (s *snapshot) refuseOrphans(ctx context.Context, t *table) error {
	keys, err := s.readOrphanQueries(ctx, t)
	if err != nil {
		return t.failed(err, "exporting")
	}

	var selected []string
	for _, c := range t.keyColumns() {
		selected = append(selected, "c."+ident(c.Name)+t.casts[c.Name])
	}

	for _, key := range keys {
		found := ""
		sql := "SELECT " + strings.Join(selected, ", ") + " FROM " + t.from() + " c WHERE " + key.where + " LIMIT 1"
		err := s.session.stream(ctx, sql, func(values [][]byte) (err error) {
			found, err = t.nameRow(values)
			return err
		})
		if err != nil {
			return t.failed(err, "checking foreign key "+key.name+" of")
		}
		if found != "" {
			return appbur.WithHint(
				contract.NewError(contract.ReasonConstraintViolation, "table %s.%s: by the foreign key %s %s refers to a row that table %s does not have, so it could not be imported again",
					t.Schema, t.Name, key.name, found, key.to).With("dataset", t.Dataset).With("constraint", key.name),
				fmt.Sprintf("it was written while triggers were off; mend such rows, or make the foreign key NOT VALID: SELECT * FROM %s c WHERE %s", t.from(), key.where))
		}
	}
	return nil
}

// readOrphanQueries returns the validated foreign keys of a table to tables that the role
// may read, and for each the condition under which a row of the table, c, is an orphan. A
// reference that is null in part is none.
func (s *snapshot) readOrphanQueries(ctx context.Context, t *table) ([]orphan, error) {
	rows, err := s.session.query(ctx, `SELECT con.conname, n.nspname, c.relname, c.relkind, a.attname, r.attname, o.nspname, op.oprname
		FROM pg_catalog.pg_constraint con
		JOIN pg_catalog.pg_class c ON c.oid = con.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(con.conkey), pg_catalog.unnest(con.confkey), pg_catalog.unnest(con.conpfeqop))
			WITH ORDINALITY k(own, referred, operator, n)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.own
		JOIN pg_catalog.pg_attribute r ON r.attrelid = con.confrelid AND r.attnum = k.referred
		JOIN pg_catalog.pg_operator op ON op.oid = k.operator JOIN pg_catalog.pg_namespace o ON o.oid = op.oprnamespace
		WHERE con.contype = 'f' AND con.convalidated AND con.conrelid = $1::pg_catalog.oid AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
			AND NOT pg_catalog.row_security_active(c.oid)
			AND (con.conparentid = 0 OR con.conrelid <> (SELECT p.conrelid FROM pg_catalog.pg_constraint p WHERE p.oid = con.conparentid))
		ORDER BY con.conname COLLATE "C", con.oid, k.n`, t.oid)
	if err != nil {
		return nil, err
	}
	var (
		keys           []orphan
		present, equal []string
		only           string
	)
	finish := func() {
		if len(keys) > 0 {
			last := &keys[len(keys)-1]
			last.where = strings.Join(present, " AND ") + " AND NOT EXISTS (SELECT FROM " + only + last.to + " p WHERE " + strings.Join(equal, " AND ") + ")"
			present, equal = nil, nil
		}
	}

	for _, row := range rows {
		if len(keys) == 0 || keys[len(keys)-1].name != row[0] {
			finish()
			keys = append(keys, orphan{name: row[0], to: ident(row[1]) + "." + ident(row[2])})
			if only = "ONLY "; row[3] == "p" {
				only = ""
			}
		}
		present = append(present, "c."+ident(row[4])+" IS NOT NULL")
		equal = append(equal, "p."+ident(row[5])+" OPERATOR("+ident(row[6])+"."+row[7]+") c."+ident(row[4]))
	}
	finish()
	return keys, nil
}
