//go:build integration

package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/appbur/appbur/adapters/internal/adaptertest"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/adapters/internal/testdb"
	"github.com/appbur/appbur/pkg/contract"
)

var server *testdb.Server

func TestMain(m *testing.M) { os.Exit(testdb.Main(m, testdb.StartPostgres, &server)) }

// database is an empty database with an adapter over some of its tables.
type database struct {
	t    *testing.T
	conn *pgx.Conn
	dsn  string
}

func newDatabase(t *testing.T, ddl ...string) *database {
	t.Helper()
	dsn := server.NewDatabase(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	d := &database{t: t, conn: conn, dsn: dsn}
	d.exec(ddl...)
	return d
}

func (d *database) exec(statements ...string) {
	d.t.Helper()
	for _, sql := range statements {
		if _, err := d.conn.Exec(d.t.Context(), sql); err != nil {
			d.t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (d *database) value(sql string) string {
	d.t.Helper()
	var v string
	if err := d.conn.QueryRow(d.t.Context(), sql).Scan(&v); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// adapter opens an adapter; a spec is a table's name or YAML of its entry.
func (d *database) adapter(specs ...string) *Adapter {
	d.t.Helper()
	a, err := d.open(specs...)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *database) open(specs ...string) (*Adapter, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "app: test\ndatabase: {dsn: %q}\nlockTimeout: 2s\ntables:\n", d.dsn)
	for _, spec := range specs {
		if !strings.HasPrefix(spec, "{") {
			spec = fmt.Sprintf("{table: %q, sensitive: false}", spec)
		}
		fmt.Fprintf(&b, "- %s\n", spec)
	}
	config, err := tables.ParseConfig([]byte(b.String()), func(string) string { return "" })
	if err != nil {
		d.t.Fatal(err)
	}
	return Open(d.t.Context(), config, slog.New(slog.NewTextHandler(io.Discard, nil)))
}

// TestAwkwardValuesSurviveExportAndImport writes awkward values, checks what is exported, imports that into a
// second, empty table of another database and exports again.
func TestAwkwardValuesSurviveExportAndImport(t *testing.T) {
	const extra = `CREATE TYPE mood AS ENUM ('sad', 'ok, "fine"', 'happy');
		CREATE TYPE pair AS (a int, b text);
		CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
		CREATE DOMAIN blob AS bytea;`
	source, target := newDatabase(t, extra), newDatabase(t, extra)

	for i, c := range []struct {
		typ    string
		values []string // SQL
		want   []string // JSON; when shorter than values the rest is only round-tripped
	}{
		{"smallint", []string{"-32768", "32767"}, []string{"-32768", "32767"}},
		{
			"bigint",
			[]string{"-9223372036854775808", "9223372036854775807", "NULL"},
			[]string{"-9223372036854775808", "9223372036854775807", "null"},
		},
		{"oid", []string{"4294967295"}, []string{"4294967295"}},
		{
			"numeric",
			[]string{"1.500", "'NaN'", "'Infinity'", "'-Infinity'", "1e1000", "0.000"},
			[]string{`"1.500"`, `"NaN"`, `"Infinity"`, `"-Infinity"`, `"1` + strings.Repeat("0", 1000) + `"`, `"0.000"`},
		},
		{"numeric(10,2)", []string{"1.5", "-0.01"}, []string{`"1.50"`, `"-0.01"`}},
		{
			"real",
			[]string{"0.0105162524", "16777217", "1e38", "1e-45", "'-0'", "'NaN'", "'Infinity'"},
			[]string{"0.010516252", "16777216", "1e+38", "1e-45", `"-0"`, `"NaN"`, `"Infinity"`},
		},
		{
			"double precision",
			[]string{"0.1::float8+0.2", "5e-324", "1.7976931348623157e308", "'-Infinity'", "'-0'"},
			[]string{"0.30000000000000004", "5e-324", "1.7976931348623157e+308", `"-Infinity"`, `"-0"`},
		},
		{"boolean", []string{"true", "false", "NULL"}, []string{"true", "false", "null"}},
		{
			"text",
			[]string{"''", "NULL", `'\N'`, `'\.'`, `E'a\tb\r\nc\\d\x01'`, `'é😀'`, `E'e\u0301'`, `'"'`, "repeat('x', 3000000)"},
			[]string{`""`, "null", `"\\N"`, `"\\."`, `"a\tb\r\nc\\d\u0001"`, `"é😀"`, "\"e\u0301\"", `"\""`},
		},
		{"varchar(5)", []string{"'ab  '"}, []string{`"ab  "`}},
		{"char(5)", []string{"'ab'", "''"}, []string{`"ab   "`, `"     "`}},
		{`"char"`, []string{"'x'"}, []string{`"x"`}},
		{"bytea", []string{`'\x00ff5c0a09'`, `''`, "NULL", `decode(repeat('00ff', 500000), 'hex')`}, []string{`"AP9cCgk="`, `""`, "null"}},
		{"blob", []string{`'\x00ff'`}, []string{`"AP8="`}},
		{
			"date",
			[]string{"'infinity'", "'0044-03-15 BC'", "'5874897-12-31'", "'2026-11-21'"},
			[]string{`"infinity"`, `"0044-03-15 BC"`, `"5874897-12-31"`, `"2026-11-21"`},
		},
		{
			"timestamp",
			[]string{"'2026-11-21 03:02:38.5'", "'-infinity'", "'0044-03-15 01:02:03 BC'", "'2024-02-29'"},
			[]string{`"2026-11-21T03:02:38.500000"`, `"-infinity"`, `"0044-03-15T01:02:03.000000 BC"`, `"2024-02-29T00:00:00.000000"`},
		},
		{
			"timestamptz",
			[]string{
				"'2026-11-01 01:30:00 America/New_York'", "'2026-11-21 03:02:38.123456+02'", "'infinity'", "'0044-03-15 01:02:03+00 BC'",
				"'10000-01-01 00:00+00'",
			},
			[]string{
				`"2026-11-01T06:30:00.000000Z"`, `"2026-11-21T01:02:38.123456Z"`, `"infinity"`, `"0044-03-15T01:02:03.000000Z BC"`,
				`"10000-01-01T00:00:00.000000Z"`,
			},
		},
		{"time", []string{"'24:00:00'", "'01:02:03.5'"}, []string{`"24:00:00"`, `"01:02:03.5"`}},
		{"timetz", []string{"'24:00:00+05:30:15'"}, []string{`"24:00:00+05:30:15"`}},
		{"interval", []string{"'-1 mon +2 days -00:00:00.5'"}, []string{`"-1 mons +2 days -00:00:00.5"`}},
		{"json", []string{`'{"b": 1,  "a":2, "a":3}'`}, []string{`"{\"b\": 1,  \"a\":2, \"a\":3}"`}},
		{
			"jsonb",
			[]string{`'{"bb": 1.50, "a": {"c":[null]}}'`, "'null'", "NULL"},
			[]string{`"{\"a\": {\"c\": [null]}, \"bb\": 1.50}"`, `"null"`, "null"},
		},
		{"int[]", []string{"'[0:1]={1,2}'", "'{}'", "'{{1,NULL},{3,4}}'"}, []string{`"[0:1]={1,2}"`, `"{}"`, `"{{1,NULL},{3,4}}"`}},
		{"text[]", []string{`ARRAY['a,b','"',NULL,'NULL','\']`}, []string{`"{\"a,b\",\"\\\"\",NULL,\"NULL\",\"\\\\\"}"`}},
		{"mood", []string{`'ok, "fine"'`}, []string{`"ok, \"fine\""`}},
		{"even", []string{"4"}, []string{"4"}},
		{"pair", []string{`ROW(NULL, 'a,"b')`}, []string{`"(,\"a,\"\"b\")"`}},
		{"int4range", []string{"'[1,5]'", "'empty'", "'(,)'"}, []string{`"[1,6)"`, `"empty"`, `"(,)"`}},
		{"int4multirange", []string{"'{[1,2),[5,6)}'"}, []string{`"{[1,2),[5,6)}"`}},
		{"uuid", []string{"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}, []string{`"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`}},
		{"inet", []string{"'10.1.2.3/8'"}, []string{`"10.1.2.3/8"`}},
		{"macaddr8", []string{"'08:00:2b:01:02:03:04:05'"}, nil},
		{"varbit", []string{"B'0101'"}, []string{`"0101"`}},
		{"tsvector", []string{"'fat:2 cat:3'"}, []string{`"'cat':3 'fat':2"`}},
		{"xml", []string{"'<a>é</a>'"}, []string{`"<a>é</a>"`}},
		{"money", []string{"'-1234.5'"}, []string{`"-1234.50"`}},
		{"pg_lsn", []string{"'16/B374D848'"}, []string{`"16/B374D848"`}},
		{"regclass", []string{"'public.v0'"}, []string{`"public.v0"`}},
	} {
		t.Run(c.typ, func(t *testing.T) {
			source.t, target.t = t, t
			table := fmt.Sprintf("v%d", i)
			for _, d := range []*database{source, target} {
				d.exec("CREATE TABLE " + table + " (id int PRIMARY KEY, v " + c.typ + ")")
			}
			for i, v := range c.values {
				source.exec(fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", table, i, v))
			}
			first := adaptertest.Export(t, source.adapter(table))
			for i, want := range c.want {
				if want = fmt.Sprintf(`{"id":%d,"v":%s}`, i, want); first[table][i] != want {
					t.Errorf("%s exports as\n%s, want\n%s", c.values[i], first[table][i], want)
				}
			}
			a := target.adapter(table)
			adaptertest.MustLoad(t, a, first)
			adaptertest.Same(t, "round trip", first, adaptertest.Export(t, a))
		})
	}
}

func TestKeyOrder(t *testing.T) {
	for typ, values := range map[string][]string{
		"bigint":                  {"-5", "-1", "2", "10"},
		`text COLLATE "en-x-icu"`: {"'B'", "'Z'", "'_'", "'a'", "'a!'", "'é'"},
		"char(3)":                 {"'B'", "'a'", "'ab'"},
		"bytea":                   {`'\x00'`, `'\x61'`, `'\x6161'`, `'\xff'`},
		"uuid":                    {"'00000000-0000-0000-0000-000000000001'", "'ffffffff-0000-0000-0000-000000000000'"},
		"timestamptz":             {"'-infinity'", "'1999-12-31 23:59:59+00'", "'1999-12-31 23:59:59.5+00'", "'infinity'"},
		"numeric":                 {"10", "9"}, // by their text
		"boolean":                 {"false", "true"},
	} {
		t.Run(typ, func(t *testing.T) {
			d := newDatabase(t, "CREATE TABLE k (k "+typ+" PRIMARY KEY, n int)")
			for i := len(values) - 1; i >= 0; i-- {
				d.exec(fmt.Sprintf("INSERT INTO k VALUES (%s, %d)", values[i], i))
			}

			if typ == "bytea" { // ordered by the base64 text, which is what the payload holds
				rows := adaptertest.Export(t, d.adapter("k"))["k"]
				if !isSorted(rows) {
					t.Errorf("rows are not sorted: %v", rows)
				}
				return
			}

			for i, row := range adaptertest.Export(t, d.adapter("k"))["k"] {
				if !strings.HasSuffix(row, fmt.Sprintf(`"n":%d}`, i)) {
					t.Errorf("row %d is %s", i, row)
				}
			}
		})
	}
}

func isSorted(rows []string) bool {
	for i := 1; i < len(rows); i++ {
		if rows[i-1][:8] > rows[i][:8] {
			return false
		}
	}
	return true
}

const family = `
	CREATE TABLE parent (id serial PRIMARY KEY, name text NOT NULL UNIQUE, favourite int);
	CREATE TABLE child (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int NOT NULL REFERENCES parent ON DELETE CASCADE,
		twin int REFERENCES child, shout text GENERATED ALWAYS AS (upper(word)) STORED, word text DEFAULT 'none');
	ALTER TABLE parent ADD CONSTRAINT favourite_child FOREIGN KEY (favourite) REFERENCES child ON DELETE RESTRICT;
	COMMENT ON CONSTRAINT favourite_child ON parent IS 'it''s a circle';
	CREATE TABLE outside (parent int REFERENCES parent ON DELETE SET NULL);
	CREATE TABLE audit (n int);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.audit VALUES (1); RETURN NEW; END';
	CREATE TRIGGER note AFTER INSERT ON parent FOR EACH ROW EXECUTE FUNCTION note();
	CREATE TRIGGER note_always AFTER INSERT ON parent FOR EACH ROW EXECUTE FUNCTION note();
	ALTER TABLE parent ENABLE ALWAYS TRIGGER note_always;`

const familyRows = `
	INSERT INTO parent (name) VALUES ('Ada'), ('Bob');
	INSERT INTO child (parent, twin, word) VALUES (1, NULL, 'a'), (1, 1, 'b');
	UPDATE child SET twin = 2 WHERE id = 1;
	UPDATE parent SET favourite = 2 WHERE id = 1;
	DELETE FROM audit;`

// catalogState is what an import must leave as it was.
func (d *database) catalogState() string {
	return d.value(`SELECT string_agg(x, E'\n' ORDER BY x) FROM (
		SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || coalesce(obj_description(oid, 'pg_constraint'), '')
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal) s(x)`)
}

func TestReplaceWithCyclesTriggersAndSequences(t *testing.T) {
	source, target := newDatabase(t, family, familyRows), newDatabase(t, family)
	p := adaptertest.Export(t, source.adapter("child", "parent"))
	if want := `{"id":1,"parent":1,"twin":2,"word":"a"}`; p["child"][0] != want {
		t.Errorf("child exports as %s, want %s", p["child"][0], want)
	}
	target.exec(`INSERT INTO parent (id, name) VALUES (1, 'Old'), (77, 'Older')`, `INSERT INTO child (parent) VALUES (1), (77)`,
		`UPDATE parent SET favourite = 1`, `INSERT INTO outside VALUES (1)`, `DELETE FROM audit`)
	before := target.catalogState()

	a := target.adapter("child", "parent")
	for _, attempt := range []string{"first", "second"} {
		adaptertest.MustLoad(t, a, p)
		adaptertest.Same(t, attempt+" import", p, adaptertest.Export(t, a))
	}

	if d := cmp.Diff(before, target.catalogState()); d != "" {
		t.Errorf("the catalog changed (-before +after):\n%s", d)
	}
	if got := target.value("SELECT count(*)::text || ' ' || (SELECT parent FROM outside) FROM audit"); got != "0 1" {
		t.Errorf("triggers ran, or a table outside was touched: %s", got)
	}
	target.exec("INSERT INTO parent (name) VALUES ('New')", "INSERT INTO child (parent) VALUES (1)")
	if got := target.value("SELECT (SELECT max(id) FROM parent) || ' ' || (SELECT max(id) FROM child)"); got != "3 3" {
		t.Errorf("the next numbers are %s, want 3 3", got)
	}

	// One table alone: its children stay, because their parents are still there.
	adaptertest.MustLoad(t, target.adapter("parent"), adaptertest.Payloads{"parent": {`{"favourite":1,"id":1,"name":"Eve"}`}})
	if got := target.value("SELECT count(*)::text FROM child"); got != "3" {
		t.Errorf("%s children are left, want 3", got)
	}
}

func TestImportRollsBackWhole(t *testing.T) {
	good := adaptertest.Payloads{
		"parent": {`{"favourite":null,"id":5,"name":"New"}`},
		"child":  {`{"id":5,"parent":5,"twin":null,"word":null}`},
	}

	with := func(dataset string, rows ...string) adaptertest.Payloads {
		p := adaptertest.Payloads{"parent": good["parent"], "child": good["child"]}
		p[dataset] = rows
		return p
	}
	for name, c := range map[string]struct {
		p    adaptertest.Payloads
		want []string
	}{
		"orphan":         {with("child", `{"id":5,"parent":6,"twin":null,"word":null}`), []string{"child_parent_fkey", "(parent)=(6)"}},
		"orphan outside": {with("parent", `{"favourite":null,"id":6,"name":"New"}`), []string{"fkey"}},
		"duplicate":      {with("parent", good["parent"][0], `{"favourite":null,"id":6,"name":"New"}`), []string{"row 2", "parent_name_key"}},
		"bad value": {
			with("child", good["child"][0], `{"id":99999999999,"parent":5,"twin":null,"word":null}`),
			[]string{"row 2", "column id"},
		},
		"null":           {with("parent", `{"favourite":null,"id":5,"name":null}`), []string{"row 1", "name"}},
		"zero byte":      {with("child", `{"id":5,"parent":5,"twin":null,"word":"a\u0000"}`), []string{"row 1, column word", "U+0000"}},
		"unknown column": {with("child", `{"id":5,"parent":5,"twin":null,"word":null,"zip":1}`), []string{"child", "zip", "unknown column"}},
		"generated":      {with("child", `{"id":5,"parent":5,"twin":null,"word":null,"shout":"A"}`), []string{"shout"}},
		"missing column": {with("parent", `{"favourite":null,"id":5}`), []string{"name", "optional"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t, family, familyRows, "INSERT INTO outside VALUES (1)")
			state := d.catalogState()
			a := d.adapter("parent", "child")
			before := adaptertest.Export(t, a)
			if name != "orphan outside" {
				d.exec("DELETE FROM outside")
			}
			err := adaptertest.Load(t.Context(), a, c.p)
			if err == nil {
				t.Fatal("the import was accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			adaptertest.Same(t, "after the failed import", before, adaptertest.Export(t, a))
			if d := cmp.Diff(state, d.catalogState()); d != "" {
				t.Errorf("the catalog changed (-before +after):\n%s", d)
			}
			d.exec("INSERT INTO parent (name) VALUES ('next')")
			if got := d.value("SELECT max(id)::text FROM parent"); got != "3" {
				t.Errorf("the sequence moved: next id %s, want 3", got)
			}
		})
	}
}

func TestSilentRoundingIsCaught(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE p (id int PRIMARY KEY, price numeric(10,2))", "INSERT INTO p VALUES (1, 1)")
	a := d.adapter("p")
	err := adaptertest.Load(t.Context(), a, adaptertest.Payloads{"p": {`{"id":1,"price":"1.005"}`}})
	if !errors.Is(err, errVerify) || !strings.Contains(err.Error(), "column price") {
		t.Fatalf("error is %v, want the one about the column price", err)
	}
	adaptertest.MustLoad(t, a, adaptertest.Payloads{"p": {`{"id":1,"price":"1.5000"}`}}) // another scale is the same value
}

func TestOptionalColumnGetsItsDefault(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE o (id int PRIMARY KEY, colour text NOT NULL DEFAULT 'red')")
	adaptertest.MustLoad(t, d.adapter("{table: o, optional: [colour]}"), adaptertest.Payloads{"o": {`{"id":1}`}})
	if got := d.value("SELECT colour FROM o"); got != "red" {
		t.Errorf("colour is %s, want red", got)
	}
}

func TestSensitiveValuesStayOutOfErrors(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE s (id int PRIMARY KEY, token text UNIQUE, n int)")
	a := d.adapter("{table: s}")
	for _, rows := range [][]string{
		{`{"id":1,"token":"CANARY","n":1}`, `{"id":2,"token":"CANARY","n":1}`},
		{`{"id":1,"token":"a","n":"CANARY"}`},
		{`{"id":1,"token":"CANARY\u0000","n":1}`},
	} {
		err := adaptertest.Load(t.Context(), a, adaptertest.Payloads{"s": rows})
		if err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestSnapshotSeesOneMoment(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY, n int)", "CREATE TABLE b (id int PRIMARY KEY, n int)",
		"INSERT INTO a SELECT i, 1 FROM generate_series(1, 20000) i", "INSERT INTO b SELECT i, 1 FROM generate_series(1, 10) i")
	adapter := d.adapter("a", "b")
	s, err := adapter.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	count := 0
	for row, err := range s.Rows(t.Context(), "a") {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 1 {
			d.exec("BEGIN", "UPDATE a SET n = 2", "DELETE FROM b WHERE id > 5", "UPDATE b SET n = 2", "COMMIT")
		}
		if !strings.HasSuffix(string(row), `"n":1}`) {
			t.Fatalf("row %d shows the writer: %s", count, row)
		}
	}

	rows, err := adaptertest.Collect(s.Rows(t.Context(), "b"))
	if err != nil || count != 20000 || len(rows) != 10 || !strings.HasSuffix(rows[0], `"n":1}`) {
		t.Errorf("%d rows of a, %d of b (%v), first %v", count, len(rows), err, rows[:1])
	}

	// What ignores snapshots has to wait.
	d.exec("SET lock_timeout = '200ms'")
	for _, sql := range []string{"TRUNCATE a", "ALTER TABLE b ADD COLUMN x int DEFAULT 1"} {
		if _, err := d.conn.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "lock timeout") {
			t.Errorf("%s during an export: %v, want a lock timeout", sql, err)
		}
	}
}

func TestStoppingEarlyAndCancelling(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY)", "INSERT INTO a SELECT generate_series(1, 100000)")
	a := d.adapter("a")
	s, err := a.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range s.Rows(t.Context(), "a") {
		break
	}

	if _, err := adaptertest.Collect(s.Rows(t.Context(), "a")); err == nil {
		t.Error("a snapshot whose reader stopped early still works")
	}
	s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if s, err = a.Snapshot(ctx); err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	var last error
	for _, err := range s.Rows(ctx, "a") {
		cancel()
		last = err
	}

	if !errors.Is(last, context.Canceled) {
		t.Errorf("a cancelled export ended with %v", last)
	}
}

func TestConnectionLostDuringImport(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY)", "INSERT INTO a VALUES (1)")
	a := d.adapter("a")
	before := adaptertest.Export(t, a)
	tx, err := a.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	n := 0
	err = tx.Replace(t.Context(), "a", func(yield func(contract.Row, error) bool) {
		for n = range 200000 {
			if n == 5000 {
				d.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'appbur' AND datname = current_database()")
			}
			if !yield(json.RawMessage(fmt.Sprintf(`{"id":%d}`, n)), nil) {
				return
			}
		}
	})
	if contract.ReasonOf(err) != contract.ReasonBackendUnavailable {
		t.Fatalf("the import ended with %v", err)
	}

	if err := tx.Commit(t.Context()); err == nil {
		t.Error("a broken import could be committed")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Errorf("rolling back: %v", err)
	}
	adaptertest.Same(t, "after a lost connection", before, adaptertest.Export(t, a))
}

func TestImportOfARowErrorFromTheCaller(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY)", "INSERT INTO a VALUES (1)")
	a := d.adapter("a")
	tx, err := a.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the payload broke off")

	err = tx.Replace(t.Context(), "a", func(yield func(contract.Row, error) bool) {
		if yield(json.RawMessage(`{"id":7}`), nil) {
			yield(nil, broken)
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("error is %v, want the caller's", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if got := d.value("SELECT string_agg(id::text, ',') FROM a"); got != "1" {
		t.Errorf("the table holds %s", got)
	}
}

func TestPartitionsInheritanceAndNames(t *testing.T) {
	const ddl = `
		CREATE SCHEMA "Odd ""one""";
		CREATE TABLE "Odd ""one"""."select" ("a b" int, "Ünïcode" text, k int, PRIMARY KEY (k, "a b")) PARTITION BY LIST (k);
		CREATE TABLE one PARTITION OF "Odd ""one"""."select" FOR VALUES IN (1);
		CREATE TABLE rest PARTITION OF "Odd ""one"""."select" DEFAULT;
		CREATE TABLE base (id int PRIMARY KEY);
		CREATE TABLE derived (extra text) INHERITS (base);
		ALTER TABLE base ADD COLUMN gone int; ALTER TABLE base DROP COLUMN gone; ALTER TABLE base ADD COLUMN late int;`

	source, target := newDatabase(t, ddl), newDatabase(t, ddl)
	source.exec(`INSERT INTO "Odd ""one"""."select" VALUES (1, 'x', 1), (2, 'y', 1), (1, NULL, 9)`,
		"INSERT INTO base VALUES (1, 10)", "INSERT INTO derived (id) VALUES (2)")
	target.exec("INSERT INTO base VALUES (5, 50)", "INSERT INTO derived (id) VALUES (6)")
	specs := []string{`{schema: 'Odd "one"', table: select}`, "base"}
	p := adaptertest.Export(t, source.adapter(specs...))

	adaptertest.Same(t, "export", adaptertest.Payloads{
		"select": {`{"a b":1,"k":1,"Ünïcode":"x"}`, `{"a b":2,"k":1,"Ünïcode":"y"}`, `{"a b":1,"k":9,"Ünïcode":null}`},
		"base":   {`{"id":1,"late":10}`},
	}, p)
	a := target.adapter(specs...)
	adaptertest.MustLoad(t, a, p)
	adaptertest.Same(t, "round trip", p, adaptertest.Export(t, a))
	if got := target.value("SELECT count(*)::text FROM ONLY derived"); got != "1" {
		t.Errorf("rows of an inheriting table: %s, want 1", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE nokey (a int NOT NULL, b int)", "CREATE UNIQUE INDEX ON nokey (a)", "CREATE VIEW v AS SELECT 1 AS id",
		"CREATE TABLE f (f float8 PRIMARY KEY)", "CREATE TABLE r (id int PRIMARY KEY)", "CREATE RULE x AS ON DELETE TO r DO INSTEAD NOTHING")

	for spec, want := range map[string]string{
		"missing":                      "does not exist",
		"nokey":                        "no primary key",
		"{table: nokey, key: [b]}":     "is not unique",
		"{table: nokey, key: [a, zz]}": "key column zz",
		"{table: nokey, key: [a], optional: [zz]}": "optional column zz",
		"v": "relkind v",
		"f": "floating-point",
		"r": "rewrite rules",
	} {
		if _, err := d.open(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", spec, err, want)
		}
	}

	if _, err := d.open("{table: nokey, key: [a]}"); err != nil {
		t.Error(err)
	}
}

func TestRowSecurityFailsTheExport(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY)", "INSERT INTO a VALUES (1), (2)",
		"CREATE POLICY p ON a USING (id = 1)", "ALTER TABLE a ENABLE ROW LEVEL SECURITY", "ALTER TABLE a FORCE ROW LEVEL SECURITY")
	s, err := d.adapter("a").Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if rows, err := adaptertest.Collect(s.Rows(t.Context(), "a")); err == nil {
		t.Errorf("a policy hid rows and nobody noticed: %v", rows)
	}
}
