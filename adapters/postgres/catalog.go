package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
)

// table is one configured table as the catalog describes it.
type table struct {
	tables.Table
	oid string
	// only is "ONLY " where rows of inheriting tables must stay out.
	only string
	// relations are the oids of the table and, if it is partitioned, of all its
	// partitions: what must be looked at for triggers and foreign keys.
	relations []string
	columns   []tables.Column
	casts     map[string]string // what is selected instead of the bare column
	orderBy   []string          // one expression per key column
	// unmet are constraints that rows may violate and that no import can set aside: those
	// that the table inherits without having been checked against them.
	unmet []unmet
}

// unmet is a constraint and the condition under which a row violates it.
type unmet struct{ name, violated string }

func (t *table) qualified() string { return ident(t.Schema) + "." + ident(t.Name) }

// from is the table as FROM and DELETE name it.
func (t *table) from() string { return t.only + t.qualified() }

// selectRows reads the given columns of all rows in key order.
func (t *table) selectRows(columns []tables.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = ident(c.Name) + t.casts[c.Name]
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + t.from() + " ORDER BY " + strings.Join(t.orderBy, ", ")
}

// exportRows is selectRows of all columns, and after them what the server says of each
// constraint that a row may violate.
func (t *table) exportRows() string {
	var list strings.Builder
	for _, c := range t.columns {
		list.WriteString(ident(c.Name) + t.casts[c.Name] + ", ")
	}
	for _, u := range t.unmet {
		list.WriteString(u.violated + ", ")
	}
	return "SELECT " + strings.TrimSuffix(list.String(), ", ") + " FROM " + t.from() + " ORDER BY " + strings.Join(t.orderBy, ", ")
}

// nameRow names a row by the values of its key columns, or not, when those may not be shown
// business.
func (t *table) nameRow(key [][]byte) (string, error) {
	if t.Sensitive {
		return "a row", nil
	}
	columns := tables.KeyColumns(t.columns, t.Key)
	if err := unhex(columns, key); err != nil {
		return "", err
	}
	encoder, err := tables.NewEncoder(t.Name, columns)
	if err != nil {
		return "", err
	}
	text, err := encoder.Encode(key)
	return "the row " + string(text), err
}

// baseTypes maps the oids of built-in types to their form and to the expression
// that orders a key by what the payload holds. Oids below 10000 are fixed for
// ever (PostgreSQL, src/include/catalog/pg_type.dat). Every other type is text.
var baseTypes = map[string]struct {
	form  tables.Form
	cast  string
	order string // %s is the quoted column; empty means that it cannot be a key
}{
	"16":   {tables.Bool, "", "%s"},
	"17":   {tables.Bytes, "", `pg_catalog.replace(pg_catalog.encode(%s, 'base64'), E'\n', '') COLLATE "C"`},
	"20":   {tables.Integer, "", "%s"}, // bigint
	"21":   {tables.Integer, "", "%s"}, // smallint
	"23":   {tables.Integer, "", "%s"}, // integer
	"26":   {tables.Integer, "", "%s"}, // oid
	"25":   {tables.Text, "", `%s COLLATE "C"`},
	"1043": {tables.Text, "", `%s COLLATE "C"`}, // varchar
	"2950": {tables.Text, "", "%s"},             // uuid: its own order is that of its text
	"700":  {tables.Float32, "", ""},
	"701":  {tables.Float64, "", ""},
	// money prints with the currency of a locale; as numeric it prints alike anywhere.
	"790":  {tables.Decimal, "::pg_catalog.numeric", `%s::pg_catalog.numeric::pg_catalog.text COLLATE "C"`},
	"1700": {tables.Decimal, "", anyText}, // numeric
	"1114": {tables.LocalTimestamp, "", anyText},
	"1184": {tables.Timestamp, "", anyText},
}

// anyText orders by what the server prints. format() uses the type's output
// function, as the export does; a cast to text would strip the blanks of char(n).
const anyText = `pg_catalog.format('%%s', %s) COLLATE "C"`

// readTable looks one configured table up.
func readTable(ctx context.Context, s *session, configured tables.Table) (*table, error) {
	t := &table{Table: configured, casts: map[string]string{}}
	if t.Schema == "" {
		t.Schema = "public"
	}
	fail := func(format string, args ...any) (*table, error) {
		return nil, fmt.Errorf("table %s.%s: %w", t.Schema, t.Name, fmt.Errorf(format, args...))
	}
	found, err := s.query(ctx, `SELECT c.oid, c.relkind, c.relpersistence, c.relhasrules, EXISTS (
			SELECT FROM pg_catalog.pg_constraint con WHERE con.conrelid = c.oid AND con.contype = 'c'
			AND NOT con.convalidated AND con.coninhcount > 0)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2`, t.Schema, t.Name)
	if err != nil {
		return fail("reading the catalog: %w", err)
	}
	if len(found) == 0 {
		return nil, appbur.WithHint(fmt.Errorf("table %s.%s does not exist in the database", t.Schema, t.Name),
			"names in the configuration are exact: give the schema in schema:, and mind upper and lower case")
	}
	t.oid = found[0][0]

	switch kind, persistence, rules := found[0][1], found[0][2], found[0][3]; {
	case kind != "r" && kind != "p":
		return fail("it is not a table whose rows can be replaced (relkind %s)", kind)
	case persistence == "t":
		return fail("it is temporary")
	case rules == "t":
		return fail("it has rewrite rules, which would change what an import writes")
	case kind == "r":
		t.only = "ONLY "
	}
	members, err := s.query(ctx,
		`SELECT $1::pg_catalog.oid UNION SELECT relid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid::pg_catalog.regclass)`, t.oid)
	if err != nil {
		return fail("reading partitions: %w", err)
	}

	for _, m := range members {
		t.relations = append(t.relations, m[0])
	}
	types, err := t.readColumns(ctx, s)
	if err != nil {
		return fail("reading columns: %w", err)
	}
	if found[0][4] == "t" {
		if err := t.readUnmet(ctx, s); err != nil {
			return fail("reading constraints: %w", err)
		}
	}
	if err := t.readKey(ctx, s); err != nil {
		return fail("%w", err)
	}

	for _, name := range t.Key {
		typ, ok := types[name]
		if !ok {
			return fail("the key column %s does not exist or is computed by the server", name)
		}
		order := anyText
		if base, ok := baseTypes[typ]; ok {
			order = base.order
		}
		if order == "" {
			return fail("the key column %s holds floating-point numbers, which do not identify rows reliably", name)
		}
		t.orderBy = append(t.orderBy, fmt.Sprintf(order, ident(name)))
	}

	for _, name := range t.Optional {
		if _, ok := types[name]; !ok {
			return fail("the optional column %s does not exist or is computed by the server", name)
		}
	}
	return t, nil
}

// readColumns learns the columns that hold data of their own, sorted by name, and
// returns the base type of each: domains are what they are made of.
func (t *table) readColumns(ctx context.Context, s *session) (map[string]string, error) {
	rows, err := s.query(ctx, `SELECT a.attname, base.oid, base.unchecked,
			pg_catalog.format_type(base.oid, NULL), pg_catalog.format_type(a.atttypid, NULL)
		FROM pg_catalog.pg_attribute a CROSS JOIN LATERAL (
			WITH RECURSIVE chain(oid, typtype, typbasetype) AS (
				SELECT y.oid, y.typtype, y.typbasetype FROM pg_catalog.pg_type y WHERE y.oid = a.atttypid
				UNION ALL
				SELECT y.oid, y.typtype, y.typbasetype FROM chain JOIN pg_catalog.pg_type y ON y.oid = chain.typbasetype WHERE chain.typtype = 'd')
			SELECT oid, EXISTS (SELECT FROM chain d JOIN pg_catalog.pg_constraint con ON con.contypid = d.oid AND NOT con.convalidated) AS unchecked
			FROM chain WHERE typtype <> 'd') base
		WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		ORDER BY a.attname COLLATE "C"`, t.oid)
	if err != nil {
		return nil, err
	}

	types := map[string]string{}
	for _, row := range rows {
		name, typ := row[0], row[1]
		base := baseTypes[typ] // the zero value is text without a cast
		t.columns = append(t.columns, tables.Column{Name: name, Form: base.form})
		t.casts[name] = base.cast
		if row[2] == "t" {
			// Reading the value as what it is made of, and then as the domain again, has the
			// server check what it never checked.
			t.casts[name] = "::" + row[3] + "::" + row[4] + base.cast
		}
		types[name] = typ
	}
	return types, nil
}

// readKey finds the primary key, or checks the configured one: its columns must be
// NOT NULL and contain those of some unique index, otherwise rows may not have an
// order.
func (t *table) readKey(ctx context.Context, s *session) error {
	rows, err := s.query(ctx, `SELECT i.indexrelid, i.indisprimary, a.attname, a.attnotnull
		FROM pg_catalog.pg_index i
		CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY k(attnum, n)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = $1::pg_catalog.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
		AND i.indexprs IS NULL AND k.n <= i.indnkeyatts
		ORDER BY i.indexrelid, k.n`, t.oid)
	if err != nil {
		return fmt.Errorf("reading indexes: %w", err)
	}

	indexes := tables.NewUniqueIndexes(t.Key)
	for _, row := range rows {
		index, primary, column, notNull := row[0], row[1] == "t", row[2], row[3] == "t"
		indexes.Add(index, column, primary, notNull)
	}
	t.Key, err = indexes.Key()
	return err
}

// foreignKey is one constraint as the catalog defines it.
type foreignKey struct {
	from, to         string // oids of relations
	relation         string // quoted name of the referring table
	name, definition string
	comment          string
}

// readForeignKeys returns every foreign key that one of the relations has or is
// the target of. Constraints that partitions inherit come and go with their parent.
func readForeignKeys(ctx context.Context, s *session, relations []string) ([]foreignKey, error) {
	rows, err := s.query(ctx, `SELECT con.conrelid, con.confrelid, n.nspname, c.relname, con.conname,
			pg_catalog.pg_get_constraintdef(con.oid), pg_catalog.obj_description(con.oid, 'pg_constraint')
		FROM pg_catalog.pg_constraint con
		JOIN pg_catalog.pg_class c ON c.oid = con.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE con.contype = 'f' AND con.conparentid = 0
			AND (con.conrelid = ANY ($1::pg_catalog.oid[]) OR con.confrelid = ANY ($1::pg_catalog.oid[]))
		ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", con.conname COLLATE "C"`, "{"+strings.Join(relations, ",")+"}")
	if err != nil {
		return nil, fmt.Errorf("reading foreign keys: %w", err)
	}
	var keys []foreignKey
	for _, row := range rows {
		keys = append(keys, foreignKey{
			from: row[0], to: row[1], relation: ident(row[2]) + "." + ident(row[3]),
			name: row[4], definition: row[5], comment: row[6],
		})
	}
	return keys, nil
}
