package mysql

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
	columns []tables.Column
	selects map[string]string // the expression that reads a column
	numbers map[string]bool   // columns that take a number and misread its text
	enums   []string          // columns whose values are labels
	orderBy []string          // one expression per key column
	counter string            // the AUTO_INCREMENT column, or ""
	drawn   map[string]string // the sequence that the default of a column draws from
	checks  []check           // that rows may violate all the same
	opaque  []string          // names of checks that the adapter cannot evaluate
}

// check is a CHECK constraint and the condition under which a row violates it.
type check struct{ name, violated string }

func (t *table) qualified() string { return ident(t.Schema) + "." + ident(t.Name) }

// String is the name for people.
func (t *table) String() string { return t.Schema + "." + t.Name }

// selectRows reads the given columns of all rows in key order.
func (t *table) selectRows(columns []tables.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = t.selects[c.Name]
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + t.qualified() + " ORDER BY " + strings.Join(t.orderBy, ", ")
}

// exportRows is selectRows of all columns, and after them what the server says of each
// constraint that a row may violate.
func (t *table) exportRows() string {
	var list strings.Builder
	for _, c := range t.columns {
		list.WriteString(t.selects[c.Name] + ", ")
	}
	for _, c := range t.checks {
		list.WriteString(c.violated + ", ")
	}
	return "SELECT " + strings.TrimSuffix(list.String(), ", ") + " FROM " + t.qualified() + " ORDER BY " + strings.Join(t.orderBy, ", ")
}

// dataType is how columns of one type are read. %s is the quoted column.
type dataType struct {
	form tables.Form
	read string // expression; empty means the bare column
	key  string // what orders a key by what the payload holds; empty means that it cannot be a key
}

// The orders of keys: as numbers, or by the UTF-8 bytes of the text that the
// payload holds.
const (
	byNumber = "%s"
	byText   = "CAST(CONVERT(%s USING utf8mb4) AS BINARY)"
	byPrint  = "CAST(CAST(%s AS CHAR) AS BINARY)"
	byBase64 = `CAST(REPLACE(TO_BASE64(%s), '\n', '') AS BINARY)`
)

// dataTypes are the types by information_schema's DATA_TYPE. Types that are not
// here are refused: what the server prints for them is not known to be read back.
var dataTypes = map[string]dataType{
	"tinyint":   {tables.Integer, "", byNumber},
	"smallint":  {tables.Integer, "", byNumber},
	"mediumint": {tables.Integer, "", byNumber},
	"int":       {tables.Integer, "", byNumber},
	"bigint":    {tables.Integer, "", byNumber},
	// As FLOAT the server prints six digits; as DOUBLE all that are there.
	"float":   {tables.Float32, "CAST(%s AS DOUBLE)", ""},
	"double":  {tables.Float64, "CAST(%s AS DOUBLE)", ""},
	"decimal": {tables.Decimal, "", byPrint},
	// A bit field comes as bytes unless it is made a number.
	"bit":        {tables.Integer, "%s + 0", "%s + 0"},
	"char":       {tables.Text, "", byText},
	"varchar":    {tables.Text, "", byText},
	"tinytext":   {tables.Text, "", byText},
	"text":       {tables.Text, "", byText},
	"mediumtext": {tables.Text, "", byText},
	"longtext":   {tables.Text, "", byText},
	"enum":       {tables.Text, "", byText},
	"set":        {tables.Text, "", byText},
	"json":       {tables.Text, "", ""},
	"binary":     {tables.Bytes, "", byBase64},
	"varbinary":  {tables.Bytes, "", byBase64},
	"tinyblob":   {tables.Bytes, "", byBase64},
	"blob":       {tables.Bytes, "", byBase64},
	"mediumblob": {tables.Bytes, "", byBase64},
	"longblob":   {tables.Bytes, "", byBase64},
	"date":       {tables.Text, "", byPrint},
	"time":       {tables.Text, "", byPrint},
	// As a number the year 0000 is 0, which is read back as 2000.
	"year":      {tables.Text, "CAST(%s AS CHAR)", byPrint},
	"datetime":  {tables.LocalTimestamp, "", byPrint},
	"timestamp": {tables.Timestamp, "", byPrint},
	"uuid":      {tables.Text, "", byPrint},
	"inet4":     {tables.Text, "", byPrint},
	"inet6":     {tables.Text, "", byPrint},
	// The server's own format: SRID and WKB.
	"geometry":           {tables.Bytes, "", ""},
	"point":              {tables.Bytes, "", ""},
	"linestring":         {tables.Bytes, "", ""},
	"polygon":            {tables.Bytes, "", ""},
	"multipoint":         {tables.Bytes, "", ""},
	"multilinestring":    {tables.Bytes, "", ""},
	"multipolygon":       {tables.Bytes, "", ""},
	"geometrycollection": {tables.Bytes, "", ""},
	"geomcollection":     {tables.Bytes, "", ""},
}

// readTable looks one configured table up. Names in the catalog are compared as
// bytes, because the catalog's own comparison ignores case.
func readTable(ctx context.Context, s *session, configured tables.Table) (*table, error) {
	t := &table{Table: configured, selects: map[string]string{}, numbers: map[string]bool{}, drawn: map[string]string{}}
	if t.Schema == "" {
		rows, err := s.query(ctx, "SELECT DATABASE()")
		if err != nil {
			return nil, failed(err, false, "reading the catalog")
		}
		if t.Schema = rows[0][0]; t.Schema == "" {
			return nil, appbur.WithHint(fmt.Errorf("table %s: no database is chosen", t.Name),
				"name it at the end of the connection string, or in schema:")
		}
	}
	fail := func(format string, args ...any) (*table, error) {
		return nil, fmt.Errorf("table %s: %w", t, fmt.Errorf(format, args...))
	}
	found, err := s.query(ctx, `SELECT TABLE_TYPE, COALESCE(ENGINE, '') FROM information_schema.TABLES
		WHERE CAST(TABLE_SCHEMA AS BINARY) = ? AND CAST(TABLE_NAME AS BINARY) = ?`, t.Schema, t.Name)
	if err != nil {
		return fail("reading the catalog: %w", err)
	}
	if len(found) == 0 {
		return nil, appbur.WithHint(fmt.Errorf("table %s does not exist, or the user may not see it", t),
			"names in the configuration are exact: mind upper and lower case")
	}
	if kind, engine := found[0][0], found[0][1]; kind != "BASE TABLE" {
		return fail("it is not a table whose rows can be replaced (%s)", strings.ToLower(kind))
	} else if engine != "InnoDB" {
		return fail("its engine is %s: only InnoDB has snapshots and can undo an import that fails", engine)
	}
	types, err := t.readColumns(ctx, s)
	if err != nil {
		return fail("%w", err)
	}
	if err := t.readChecks(ctx, s); err != nil {
		return fail("reading constraints: %w", err)
	}
	if err := t.readKey(ctx, s); err != nil {
		return fail("%w", err)
	}

	for _, name := range t.Key {
		typ, ok := types[name]
		if !ok {
			return fail("the key column %s does not exist or is computed by the server", name)
		}
		if typ.key == "" {
			return fail("the key column %s has a type that does not identify rows reliably", name)
		}
		t.orderBy = append(t.orderBy, fmt.Sprintf(typ.key, ident(name)))
	}

	for _, name := range t.Optional {
		if _, ok := types[name]; !ok {
			return fail("the optional column %s does not exist or is computed by the server", name)
		}
	}
	return t, nil
}

// readColumns learns the columns that hold data of their own, sorted by name.
// They are listed one by one when read: "*" leaves invisible ones out.
func (t *table) readColumns(ctx context.Context, s *session) (map[string]dataType, error) {
	rows, err := s.query(ctx, `SELECT COLUMN_NAME, LOWER(DATA_TYPE), LOWER(EXTRA), COALESCE(COLUMN_DEFAULT, '') FROM information_schema.COLUMNS
		WHERE CAST(TABLE_SCHEMA AS BINARY) = ? AND CAST(TABLE_NAME AS BINARY) = ? AND COALESCE(GENERATION_EXPRESSION, '') = ''
		ORDER BY CAST(COLUMN_NAME AS BINARY)`, t.Schema, t.Name)
	if err != nil {
		return nil, fmt.Errorf("reading columns: %w", err)
	}

	types := map[string]dataType{}
	for _, row := range rows {
		name, typ := row[0], row[1]
		known, ok := dataTypes[typ]
		if !ok {
			return nil, fmt.Errorf("column %s has the type %s, which is not supported", name, typ)
		}
		types[name] = known
		t.columns = append(t.columns, tables.Column{Name: name, Form: known.form})
		t.selects[name], t.numbers[name] = ident(name), typ == "bit"
		if strings.Contains(row[2], "auto_increment") {
			t.counter = name
		}
		if sequence := drawnFrom(row[3]); sequence != "" {
			t.drawn[name] = sequence
		}
		if typ == "enum" {
			t.enums = append(t.enums, name)
		}
		if known.read != "" {
			t.selects[name] = fmt.Sprintf(known.read, ident(name))
		}
	}
	return types, nil
}

// readKey finds the primary key, or checks the configured one: it must contain
// all columns of some unique index, none of them nullable or cut to a prefix.
func (t *table) readKey(ctx context.Context, s *session) error {
	rows, err := s.query(ctx, `SELECT INDEX_NAME, COALESCE(COLUMN_NAME, ''), NULLABLE = 'YES' OR SUB_PART IS NOT NULL
		FROM information_schema.STATISTICS
		WHERE CAST(TABLE_SCHEMA AS BINARY) = ? AND CAST(TABLE_NAME AS BINARY) = ? AND NON_UNIQUE = 0
		ORDER BY INDEX_NAME, SEQ_IN_INDEX`, t.Schema, t.Name)
	if err != nil {
		return fmt.Errorf("reading indexes: %w", err)
	}

	indexes := tables.NewUniqueIndexes(t.Key)
	for _, row := range rows {
		index, column, loose := row[0], row[1], row[2] == "1"
		primary := index == "PRIMARY"
		// A primary key over a prefix still identifies rows.
		indexes.Add(index, column, primary, !loose || primary)
	}
	t.Key, err = indexes.Key()
	return err
}

// foreignKey is one constraint: the columns of one table and those they refer to.
type foreignKey struct {
	name              string
	from, to          string // quoted and qualified
	columns, referred []string
}

// readForeignKeys returns every foreign key that the user can see in the schemas
// of the given tables, by which one of them refers or is referred to.
func readForeignKeys(ctx context.Context, s *session, of []*table) ([]foreignKey, error) {
	names := map[string]bool{}
	for _, t := range of {
		names[t.qualified()] = true
	}
	rows, err := s.query(ctx,
		`SELECT CONSTRAINT_NAME, TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
		FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL
		ORDER BY CAST(TABLE_SCHEMA AS BINARY), CAST(TABLE_NAME AS BINARY), CAST(CONSTRAINT_NAME AS BINARY), ORDINAL_POSITION`)
	if err != nil {
		return nil, failed(err, false, "reading foreign keys")
	}

	var keys []foreignKey
	for _, row := range rows {
		key := foreignKey{name: row[0], from: ident(row[1]) + "." + ident(row[2]), to: ident(row[4]) + "." + ident(row[5])}
		if !names[key.from] && !names[key.to] {
			continue
		}
		if n := len(keys); n == 0 || keys[n-1].name != key.name || keys[n-1].from != key.from {
			keys = append(keys, key)
		}
		last := &keys[len(keys)-1]
		last.columns, last.referred = append(last.columns, row[3]), append(last.referred, row[6])
	}

	return keys, nil
}

// orphans counts the rows whose reference leads nowhere. It reads what is
// committed now, not what the transaction's snapshot shows, and holds it.
func (k foreignKey) orphans() string { return "SELECT COUNT(*)" + k.orphaned() + " LOCK IN SHARE MODE" }

// orphaned is FROM and WHERE of the rows, c, whose reference leads nowhere. A reference
// that is null in part is none.
func (k foreignKey) orphaned() string {
	var on, present []string
	for i := range k.columns {
		on = append(on, "c."+ident(k.columns[i])+" = p."+ident(k.referred[i]))
		present = append(present, "c."+ident(k.columns[i])+" IS NOT NULL")
	}
	return " FROM " + k.from + " c LEFT JOIN " + k.to + " p ON " + strings.Join(on, " AND ") +
		" WHERE " + strings.Join(present, " AND ") + " AND p." + ident(k.referred[0]) + " IS NULL"
}
