package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// orphan is a foreign key whose rows the server believes to be complete.
type orphan struct{ name, to, where string }

// refuseOrphans looks for rows of the table whose references lead nowhere. The server
// lets them in while triggers are disabled or session_replication_role is replica, and
// says nothing; an import, which puts foreign keys back, would be refused because of them.
// A foreign key that is NOT VALID is put back as such and takes them.
func (s *snapshot) refuseOrphans(ctx context.Context, t *table) error {
	if s.orphans == nil {
		var err error
		if s.orphans, err = s.readOrphanQueries(ctx); err != nil {
			return t.failed(err, "exporting")
		}
	}

	var selected []string
	for _, c := range tables.KeyColumns(t.columns, t.Key) {
		selected = append(selected, "c."+ident(c.Name)+t.casts[c.Name])
	}

	for _, key := range s.orphans[t.oid] {
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
				contract.NewError(contract.ReasonConstraintViolation,
					"table %s.%s: by the foreign key %s %s refers to a row that table %s does not have, so it could not be imported again",
					t.Schema, t.Name, key.name, found, key.to).With("dataset", t.Dataset).With("constraint", key.name),
				fmt.Sprintf("it was written while triggers were off; mend such rows, or make the foreign key NOT VALID: SELECT * FROM %s c WHERE %s",
					t.from(), key.where))
		}
	}
	return nil
}

// readOrphanQueries returns, by oid of a table, its validated foreign keys to tables that
// the role may read, and for each the condition under which a row of the table, c, is an
// orphan. A reference that is null in part is none.
func (s *snapshot) readOrphanQueries(ctx context.Context) (map[string][]orphan, error) {
	var oids []string
	for _, t := range s.tables {
		oids = append(oids, t.oid)
	}
	rows, err := s.session.query(ctx,
		`SELECT con.conname, n.nspname, c.relname, c.relkind, a.attname, r.attname, o.nspname, op.oprname, con.conrelid
		FROM pg_catalog.pg_constraint con
		JOIN pg_catalog.pg_class c ON c.oid = con.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(con.conkey), pg_catalog.unnest(con.confkey), pg_catalog.unnest(con.conpfeqop))
			WITH ORDINALITY k(own, referred, operator, n)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.own
		JOIN pg_catalog.pg_attribute r ON r.attrelid = con.confrelid AND r.attnum = k.referred
		JOIN pg_catalog.pg_operator op ON op.oid = k.operator JOIN pg_catalog.pg_namespace o ON o.oid = op.oprnamespace
		WHERE con.contype = 'f' AND con.convalidated AND con.conrelid = ANY ($1::pg_catalog.oid[])
		AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
			AND NOT pg_catalog.row_security_active(c.oid)
			AND (con.conparentid = 0 OR con.conrelid <> (SELECT p.conrelid FROM pg_catalog.pg_constraint p WHERE p.oid = con.conparentid))
		ORDER BY con.conrelid, con.conname COLLATE "C", con.oid, k.n`, "{"+strings.Join(oids, ",")+"}")
	if err != nil {
		return nil, err
	}
	var (
		keys           = map[string][]orphan{}
		last           *orphan
		lastOf         string
		present, equal []string
		only           string
	)
	finish := func() {
		if last != nil {
			last.where = strings.Join(present, " AND ") + " AND NOT EXISTS (SELECT FROM " + only + last.to + " p WHERE " +
				strings.Join(equal, " AND ") + ")"
			keys[lastOf] = append(keys[lastOf], *last)
			present, equal = nil, nil
		}
	}

	for _, row := range rows {
		if last == nil || lastOf != row[8] || last.name != row[0] {
			finish()
			last, lastOf = &orphan{name: row[0], to: ident(row[1]) + "." + ident(row[2])}, row[8]
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
