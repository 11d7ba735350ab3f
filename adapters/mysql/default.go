package mysql

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// constant matches a default that MariaDB prints as a literal.
var constant = regexp.MustCompile(`^(?:-?[0-9]+(?:\.[0-9]+)?|'(?:[^'\\]|'')*')$`)

// readDefaults returns the columns that may be missing from a payload without a loss: an application
// that is newer than the payload added them, and the server has something to put there.
// Values are known where a column's default is NULL or, in MariaDB, a literal. What the
// configuration calls optional is among them.
func (t *table) readDefaults(ctx context.Context, s *session) ([]contract.FieldDefault, error) {
	rows, err := s.query(ctx,
		`SELECT COLUMN_NAME, IS_NULLABLE, COLUMN_DEFAULT IS NULL, COALESCE(COLUMN_DEFAULT, ''), LOWER(EXTRA) FROM information_schema.COLUMNS
		WHERE CAST(TABLE_SCHEMA AS BINARY) = ? AND CAST(TABLE_NAME AS BINARY) = ? ORDER BY CAST(COLUMN_NAME AS BINARY)`, t.Schema, t.Name)
	if err != nil {
		return nil, err
	}

	var defaults []contract.FieldDefault
	for _, row := range rows {
		name, nullable, none, text := row[0], row[1] == "YES", row[2] == "1", row[3]
		i := slices.IndexFunc(t.columns, func(c tables.Column) bool { return c.Name == name })
		if i < 0 || slices.Contains(t.Key, name) {
			continue // the server computes it, or rows are told apart by it
		}
		known := contract.FieldDefault{Field: name}
		switch {
		case strings.Contains(row[4], "auto_increment"):
			// The server fills it in, and only the server knows with what.
		case nullable && (none || (s.of == onlyMariaDB && text == "NULL")):
			known.Value = []byte("null")
		case none:
			if !slices.Contains(t.Optional, name) {
				continue
			}
		case s.of == onlyMariaDB && constant.MatchString(text):
			known.Value = literal(t.columns[i].Form, text)
		}
		defaults = append(defaults, known)
	}
	return defaults, nil
}

// literal returns what an export prints for a column that holds a literal, or nil where
// the type may print it in another way.
func literal(form tables.Form, text string) []byte {
	if inner, ok := strings.CutPrefix(text, "'"); ok {
		text = strings.ReplaceAll(strings.TrimSuffix(inner, "'"), "''", "'")
	}
	if form == tables.Bytes {
		return nil // binary(n) is filled up
	}
	value, err := form.Append(nil, []byte(text))
	if err != nil {
		return nil
	}
	return value
}
