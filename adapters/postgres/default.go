package postgres

import (
	"context"
	"regexp"
	"slices"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// constant matches a default that is the same for every row and at all times: a literal,
// with casts. The server prints defaults in this form whatever was written.
var constant = regexp.MustCompile(`^(?:NULL|true|false|-?[0-9]+(?:\.[0-9]+)?|\(-[0-9]+(?:\.[0-9]+)?\)|'(?:[^'\\]|'')*')(?:::[A-Za-z0-9_ ".]+(?:\([0-9, ]+\))?(?:\[\])?)*$`)

// readDefaults returns the columns that may be missing from a payload without a loss: an application
// that is newer than the payload added them, and the server has something to put there.
// Values are known where a column's default is constant. What the configuration calls
// optional is among them.
func (t *table) readDefaults(ctx context.Context, s *session) ([]contract.FieldDefault, error) {
	rows, err := s.query(ctx, `SELECT a.attname, a.attnotnull OR y.typnotnull, a.attidentity <> '' OR y.typdefault IS NOT NULL,
			pg_catalog.pg_get_expr(d.adbin, d.adrelid), pg_catalog.format_type(a.atttypid, a.atttypmod)
		FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
		LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		ORDER BY a.attname COLLATE "C"`, t.oid)
	if err != nil {
		return nil, err
	}

	var defaults []contract.FieldDefault
	for _, row := range rows {
		name, notNull, hidden, expression, typ := row[0], row[1] == "t", row[2] == "t", row[3], row[4]
		if slices.Contains(t.Key, name) {
			continue
		}
		known := contract.FieldDefault{Field: name}
		switch {
		case expression == "" && hidden, expression != "" && !constant.MatchString(expression):
			// The server fills it in, and only the server knows with what.
		case expression == "" && notNull:
			if !slices.Contains(t.Optional, name) {
				continue
			}
		default:
			if expression == "" {
				expression = "NULL"
			}
			known.Value = t.evaluate(ctx, s, name, expression, typ)
		}
		defaults = append(defaults, known)
	}
	return defaults, nil
}

// evaluate returns what an export prints for a column that holds a constant, or nil when
// the server does not say.
func (t *table) evaluate(ctx context.Context, s *session, name, expression, typ string) []byte {
	i := slices.IndexFunc(t.columns, func(c tables.Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	column := t.columns[i : i+1]

	var value []byte
	err := s.stream(ctx, "SELECT (CAST("+expression+" AS "+typ+"))"+t.casts[name], func(values [][]byte) error {
		if values[0] == nil {
			value = []byte("null")
			return nil
		}
		if err := unhex(column, values); err != nil {
			return nil //nolint:nilerr // then the value is not known
		}
		text, err := column[0].Form.Append(nil, values[0])
		if err != nil {
			return nil //nolint:nilerr // then the value is not known
		}
		value = text
		return nil
	})
	if err != nil {
		return nil
	}
	return value
}
