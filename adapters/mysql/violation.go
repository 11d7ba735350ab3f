package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// readChecks learns the CHECK constraints of a table. MariaDB lets rows in that violate
// them while check_constraint_checks is 0; MySQL has no such setting.
func (t *table) readChecks(ctx context.Context, s *session) error {
	if s.of != onlyMariaDB {
		return nil
	}
	rows, err := s.query(ctx, `SELECT CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS
		WHERE CAST(CONSTRAINT_SCHEMA AS BINARY) = ? AND CAST(TABLE_NAME AS BINARY) = ? ORDER BY CAST(CONSTRAINT_NAME AS BINARY)`, t.Schema, t.Name)
	if err != nil {
		return err
	}

	for _, row := range rows {
		c := check{name: row[0], violated: "((" + row[1] + ") IS FALSE)"}
		// The text of a clause is not certain to mean the same in every sql_mode.
		_, err := s.query(ctx, "SELECT "+c.violated+" FROM "+t.qualified()+" LIMIT 0")
		var server *driver.MySQLError
		switch {
		case err == nil:
			t.checks = append(t.checks, c)
		case errors.As(err, &server):
			t.opaque = append(t.opaque, c.name)
		default:
			return err
		}
	}

	return nil
}

// refuseViolations ends an export at a row that violates a CHECK constraint. verdicts are
// what the server says of t.checks.
func (t *table) refuseViolations(values, verdicts [][]byte) error {
	for i, verdict := range verdicts {
		if string(verdict) != "1" {
			continue
		}
		row, err := t.nameRow(tables.KeyValues(t.columns, t.Key, values))
		if err != nil {
			return err
		}
		c := t.checks[i]
		return appbur.WithHint(
			contract.NewError(contract.ReasonConstraintViolation, "table %s: %s violates the constraint %s, so it could not be imported again", t,
				row, c.name).
				With("dataset", t.Dataset).With("constraint", c.name),
			fmt.Sprintf("it was written with check_constraint_checks = 0; mend such rows: SELECT * FROM %s WHERE %s", t.qualified(), c.violated))
	}

	return nil
}

// refuseOrphans looks for rows of the table whose references lead nowhere. The server
// lets them in while foreign_key_checks is 0, and says nothing; an import looks for them
// and is refused because of them.
func (s *snapshot) refuseOrphans(ctx context.Context, t *table) error {
	keys, err := readForeignKeys(ctx, s.session, []*table{t})
	if err != nil {
		return t.failed(err, "reading the foreign keys of")
	}

	var selected []string
	for _, c := range tables.KeyColumns(t.columns, t.Key) {
		selected = append(selected, strings.ReplaceAll(t.selects[c.Name], ident(c.Name), "c."+ident(c.Name)))
	}

	for _, key := range keys {
		if key.from != t.qualified() {
			continue
		}
		found := ""
		err := s.session.stream(ctx, "SELECT "+strings.Join(selected, ", ")+key.orphaned()+" LIMIT 1", func(values [][]byte) (err error) {
			found, err = t.nameRow(values)
			return err
		})
		var server *driver.MySQLError
		switch {
		case errors.As(err, &server) && slices.Contains(noRight, server.Number):
			continue // the catalog shows a table that the user may not read
		case err != nil:
			return t.failed(err, "checking foreign key "+key.name+" of")
		case found != "":
			return appbur.WithHint(
				contract.NewError(contract.ReasonConstraintViolation,
					"table %s: by the foreign key %s %s refers to a row that table %s does not have, so it could not be imported again",
					t, key.name, found, key.to).With("dataset", t.Dataset).With("constraint", key.name),
				"it was written with foreign_key_checks = 0; mend such rows: SELECT c.*"+key.orphaned())
		}
	}
	return nil
}

// noRight are the errors about tables and columns that the user may not read.
var noRight = []uint16{1142, 1143}

// nameRow names a row by the values of its key columns, or not, when those may not be shown
// business.
func (t *table) nameRow(key [][]byte) (string, error) {
	if t.Sensitive {
		return "a row", nil
	}
	encoder, err := tables.NewEncoder(t.Name, tables.KeyColumns(t.columns, t.Key))
	if err != nil {
		return "", err
	}
	text, err := encoder.Encode(key)
	return "the row " + string(text), err
}
