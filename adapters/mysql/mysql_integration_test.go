//go:build integration

package mysql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/adaptertest"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/adapters/internal/testdb"
	"github.com/appbur/appbur/pkg/contract"
)

var server *testdb.Server

func TestMain(m *testing.M) { os.Exit(testdb.Main(m, testdb.StartMariaDB, &server)) }

// database is an empty database with one session of its own, which speaks UTF-8
// and keeps to no mode.
type database struct {
	t    *testing.T
	conn *sql.Conn
	dsn  string
}

func newDatabase(t *testing.T, ddl ...string) *database {
	t.Helper()
	dsn := server.NewDatabase(t)
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); db.Close() })
	d := &database{t: t, conn: conn, dsn: dsn}
	d.exec("SET NAMES utf8mb4", "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'", "SET time_zone = '+00:00'")
	d.exec(ddl...)
	return d
}

func (d *database) exec(statements ...string) {
	d.t.Helper()
	for _, sql := range statements {
		if _, err := d.conn.ExecContext(d.t.Context(), sql); err != nil {
			d.t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (d *database) value(sql string) string {
	d.t.Helper()
	var v string
	if err := d.conn.QueryRowContext(d.t.Context(), sql).Scan(&v); err != nil {
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
	fmt.Fprintf(&b, "app: test\ndatabase: {dsn: %q}\nlockTimeout: 1s\ntables:\n", d.dsn)
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

// TestAwkwardValuesSurviveExportAndImport writes awkward values, checks what is exported, imports that into
// the same table of another database and exports again.
func TestAwkwardValuesSurviveExportAndImport(t *testing.T) {
	source, target := newDatabase(t), newDatabase(t)
	for i, c := range []struct {
		typ    string
		values []string // SQL
		want   []string // JSON; when shorter than values the rest is only round-tripped
	}{
		{"TINYINT UNSIGNED", []string{"0", "255", "NULL"}, []string{"0", "255", "null"}},
		{"INT(8) ZEROFILL", []string{"42"}, []string{"42"}},
		{"BIGINT", []string{"-9223372036854775808"}, []string{"-9223372036854775808"}},
		{"BIGINT UNSIGNED", []string{"18446744073709551615"}, []string{"18446744073709551615"}},
		{
			"FLOAT",
			[]string{"0.0105162524", "16777217", "1e38", "-0.0e0", "3.402823466e38", "-3.402823466e38", "1e-38", "1e-45"},
			[]string{"0.010516252", "16777216", "1e+38", "0", "3.4028235e+38", "-3.4028235e+38"}, // the server has no negative zero
		},
		{"FLOAT(10,3)", []string{"1234.5678"}, nil},
		{
			"DOUBLE",
			[]string{"0.1e0+0.2e0", "1.7976931348623157e308", "5e-324", "-0.0e0"},
			[]string{"0.30000000000000004", "1.7976931348623157e+308", "5e-324", "0"},
		},
		{
			"DECIMAL(65,30)",
			[]string{"1.5", "-99999999999999999999999999999999999.999999999999999999999999999999"},
			[]string{`"1.500000000000000000000000000000"`, `"-99999999999999999999999999999999999.999999999999999999999999999999"`},
		},
		{"BIT(1)", []string{"b'1'", "b'0'"}, []string{"1", "0"}},
		{"BIT(64)", []string{"18446744073709551615", "53"}, []string{"18446744073709551615", "53"}},
		{"CHAR(5)", []string{"'ab  '", "''"}, []string{`"ab"`, `""`}},
		{
			"VARCHAR(50)",
			[]string{"'ab  '", "''", "NULL", `'a\\b\'c\"d'`, `'a\0b\Z'`, "'é😀'"},
			[]string{`"ab  "`, `""`, "null", `"a\\b'c\"d"`, `"a\u0000b\u001a"`, `"é😀"`},
		},
		{"VARCHAR(50) CHARACTER SET latin1", []string{"'é'"}, []string{`"é"`}},
		{"LONGTEXT", []string{"REPEAT('x', 3000000)"}, nil},
		{"BINARY(4)", []string{"x'00ff'"}, []string{`"AP8AAA=="`}},
		{"VARBINARY(300)", []string{"x'00ff275c0a'", "''"}, []string{`"AP8nXAo="`, `""`}},
		{"LONGBLOB", []string{"REPEAT(x'00ff27', 1000000)"}, nil},
		{
			"DATE",
			[]string{"'0000-00-00'", "'2024-00-10'", "'9999-12-31'", "'2023-02-31'"},
			[]string{`"0000-00-00"`, `"2024-00-10"`, `"9999-12-31"`, `"2023-02-31"`},
		},
		{
			"DATETIME",
			[]string{"'2026-11-21 03:02:38'", "'0000-00-00 00:00:00'", "'2023-02-31 12:00:00'"},
			[]string{`"2026-11-21T03:02:38.000000"`, `"0000-00-00T00:00:00.000000"`, `"2023-02-31T12:00:00.000000"`},
		},
		{"DATETIME(6)", []string{"'2026-11-21 03:02:38.123456'"}, []string{`"2026-11-21T03:02:38.123456"`}},
		{
			"TIMESTAMP(3) NULL ON UPDATE CURRENT_TIMESTAMP(3)",
			[]string{"'2026-11-01 06:30:00.5'", "NULL", "'1970-01-01 00:00:01'"},
			[]string{`"2026-11-01T06:30:00.500000Z"`, "null", `"1970-01-01T00:00:01.000000Z"`},
		},
		{"TIME(6)", []string{"'-838:59:59.999999'", "'12:00'"}, []string{`"-838:59:59.999999"`, `"12:00:00.000000"`}},
		{"YEAR", []string{"0", "1901", "2155"}, []string{`"0000"`, `"1901"`, `"2155"`}},
		{"ENUM('1','0','a,b')", []string{"'0'", "'a,b'"}, []string{`"0"`, `"a,b"`}},
		{"SET('x','y','z')", []string{"'z,x'", "''"}, []string{`"x,z"`, `""`}},
		{"JSON", []string{`'{"b": 1.0,  "a":12345678901234567890, "a":2}'`}, []string{`"{\"b\": 1.0,  \"a\":12345678901234567890, \"a\":2}"`}},
		{"POINT", []string{"ST_GeomFromText('POINT(1 2)', 4326)", "NULL"}, nil},
		{"UUID", []string{"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"}, []string{`"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`}},
		{"INET6", []string{"'2001:DB8::1'"}, []string{`"2001:db8::1"`}},
		{"INT INVISIBLE", []string{"7"}, []string{"7"}},
	} {
		t.Run(c.typ, func(t *testing.T) {
			source.t, target.t = t, t
			table := fmt.Sprintf("v%d", i)
			for _, d := range []*database{source, target} {
				d.exec("CREATE TABLE " + table + " (id int PRIMARY KEY, v " + c.typ + ") ENGINE InnoDB")
			}
			for i, v := range c.values {
				source.exec(fmt.Sprintf("INSERT INTO %s (id, v) VALUES (%d, %s)", table, i, v))
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

// What an export could print and no import could write ends the export, by name.
func TestExportNamesWhatCannotBeImported(t *testing.T) {
	d := newDatabase(t)
	d.exec("CREATE TABLE moods (id int PRIMARY KEY, mood ENUM('good', 'bad'), other ENUM('', 'x')) ENGINE InnoDB")
	d.exec("SET sql_mode = ''")
	d.exec("INSERT INTO moods VALUES (1, 'good', ''), (2, NULL, NULL), (3, 'unheard of', 'x')")
	a := d.adapter("{table: moods}")
	s, err := a.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = adaptertest.Collect(s.Rows(t.Context(), "moods"))
	if err == nil || !strings.Contains(err.Error(), "moods, column mood: ") || appbur.HintOf(err) == "" {
		t.Errorf("got %v, hint %q", err, appbur.HintOf(err))
	}

	d.exec("UPDATE moods SET mood = NULL WHERE mood + 0 = 0")
	if rows := adaptertest.Export(t, a)["moods"]; len(rows) != 3 {
		t.Errorf("got %q", rows)
	}
}

// Rows that the server let in unchecked end the export, by table, constraint and row; the
// key of a row that is sensitive is not told.
func TestExportNamesRowsThatNoImportTakes(t *testing.T) {
	for name, c := range map[string]struct {
		ddl        []string
		constraint string
		row        string
	}{
		"orphan": {
			[]string{
				"CREATE TABLE p (a int, b varbinary(5), PRIMARY KEY (a, b))",
				"CREATE TABLE c (id binary(1) PRIMARY KEY, a int, b varbinary(5), CONSTRAINT whose FOREIGN KEY (a, b) REFERENCES p (a, b))",
				"SET foreign_key_checks = 0", "INSERT INTO p VALUES (1, x'01')",
				"INSERT INTO c VALUES (x'00', 1, x'01'), (x'02', NULL, x'07'), (x'CA', 1, x'02')",
			}, "whose", `{"id":"yg=="}`,
		},
		"check": {
			[]string{
				"CREATE TABLE p (a int PRIMARY KEY)",
				"CREATE TABLE c (id int PRIMARY KEY, n int, CONSTRAINT `posi``tive` CHECK (n > 0), s varchar(9) CHECK (s <> 'it''s\\\\'))",
				"SET check_constraint_checks = 0", "INSERT INTO c VALUES (1, 1, 'x'), (2, NULL, NULL), (202, -1, 'x')",
			}, "posi`tive", `{"id":202}`,
		},
		"json": {
			[]string{
				"CREATE TABLE p (a int PRIMARY KEY)", "CREATE TABLE c (id int PRIMARY KEY, doc json)",
				"SET check_constraint_checks = 0", `INSERT INTO c VALUES (1, '{}'), (202, 'CANARY')`,
			}, "doc", `{"id":202}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t, c.ddl...)
			_, err := adaptertest.Run(t, d.adapter("p", "c")).Backup(t)
			if err == nil || !strings.Contains(err.Error(), c.constraint) || !strings.Contains(err.Error(), ".c: ") ||
				!strings.Contains(err.Error(), c.row) {
				t.Errorf("error is %v, want one that names table, %s and row %s", err, c.constraint, c.row)
			}
			if !strings.Contains(appbur.HintOf(err), "SELECT ") {
				t.Errorf("its hint is %q, want one with a query for such rows", appbur.HintOf(err))
			}

			_, err = adaptertest.Run(t, d.adapter("{table: p}", "{table: c}")).Backup(t)
			if err == nil {
				t.Fatal("a sensitive table is exported")
			}
			_, told, _ := strings.Cut(err.Error(), "table ") // the address before it has digits of its own
			if !strings.Contains(told, c.constraint) || strings.Contains(told, "CANARY") || strings.Contains(told, "yg==") ||
				strings.Contains(told, "202") {
				t.Errorf("of a sensitive table it says %v", err)
			}
		})
	}
}

func TestKeyOrder(t *testing.T) {
	d := newDatabase(t)
	for i, c := range []struct {
		typ    string
		values []string
	}{
		{"BIGINT UNSIGNED", []string{"0", "2", "10", "18446744073709551615"}},
		{"VARCHAR(20) COLLATE utf8mb4_unicode_ci", []string{"'B'", "'Z'", "'_'", "'a'", "'a!'", "'é'", "'😀'"}},
		{"VARCHAR(20) CHARACTER SET latin1", []string{"'Z'", "'a'", "'é'"}},
		{"DECIMAL(5,1)", []string{"10", "9"}}, // by their text
		{"DATETIME(3)", []string{"'1999-12-31 23:59:59'", "'1999-12-31 23:59:59.5'"}},
		{"BINARY(60)", []string{"x'61'", "x'62'"}},
		{"UUID", []string{"'00000000-0000-0000-0000-000000000001'", "'0fffffff-0000-1000-8000-000000000000'"}},
		{"BIT(9)", []string{"2", "256"}},
	} {
		t.Run(c.typ, func(t *testing.T) {
			d.t = t
			table := fmt.Sprintf("k%d", i)
			d.exec("CREATE TABLE " + table + " (k " + c.typ + " PRIMARY KEY, n int)")
			for n := len(c.values) - 1; n >= 0; n-- {
				d.exec(fmt.Sprintf("INSERT INTO %s VALUES (%s, %d)", table, c.values[n], n))
			}

			for n, row := range adaptertest.Export(t, d.adapter(table))[table] {
				if !strings.HasSuffix(row, fmt.Sprintf(`"n":%d}`, n)) {
					t.Errorf("row %d is %s", n, row)
				}
			}
		})
	}
}

var family = []string{
	`CREATE TABLE parent (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, favourite int)`,
	`CREATE TABLE child (id int AUTO_INCREMENT PRIMARY KEY, parent int NOT NULL, twin int, word varchar(50) DEFAULT 'none',
		shout varchar(50) AS (upper(word)) STORED, quiet varchar(50) AS (lower(word)) VIRTUAL,
		CONSTRAINT child_parent FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE,
		CONSTRAINT child_twin FOREIGN KEY (twin) REFERENCES child (id))`,
	`ALTER TABLE parent ADD CONSTRAINT favourite_child FOREIGN KEY (favourite) REFERENCES child (id) ON DELETE RESTRICT`,
	"CREATE TABLE `out``side` (id int PRIMARY KEY, parent int, CONSTRAINT outside_parent FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE SET NULL)",
}

var familyRows = []string{
	`INSERT INTO parent (id, name) VALUES (0, 'Zero'), (1, 'Ada'), (2, 'Bob')`,
	`INSERT INTO child (parent, twin, word) VALUES (1, NULL, 'a'), (1, 1, 'b')`,
	`UPDATE child SET twin = 2 WHERE id = 1`,
	`UPDATE parent SET favourite = 2 WHERE id = 1`,
}

func TestReplaceWithCyclesAndCounters(t *testing.T) {
	source, target := newDatabase(t, append(family, familyRows...)...), newDatabase(t, family...)
	p := adaptertest.Export(t, source.adapter("child", "parent"))
	if want := `{"id":1,"parent":1,"twin":2,"word":"a"}`; p["child"][0] != want {
		t.Errorf("child exports as %s, want %s", p["child"][0], want)
	}
	target.exec(`INSERT INTO parent (id, name) VALUES (1, 'Old'), (77, 'Older')`, `INSERT INTO child (parent) VALUES (1), (77)`,
		`UPDATE parent SET favourite = 1`, "INSERT INTO `out``side` VALUES (1, 1)")

	a := target.adapter("child", "parent")
	for _, attempt := range []string{"first", "second"} {
		adaptertest.MustLoad(t, a, p)
		adaptertest.Same(t, attempt+" import", p, adaptertest.Export(t, a))
	}

	if got := target.value("SELECT CONCAT_WS(' ', parent, (SELECT GROUP_CONCAT(shout, quiet) FROM child)) FROM `out``side`"); got != "1 Aa,Bb" {
		t.Errorf("outside and computed columns: %s", got)
	}
	target.exec("INSERT INTO parent (name) VALUES ('New')")
	if got := target.value("SELECT max(id) FROM parent"); got != "78" {
		t.Errorf("the next number is %s, want 78", got)
	}

	// One table alone: its children stay, because their parents are still there.
	adaptertest.MustLoad(t, target.adapter("parent"), adaptertest.Payloads{"parent": {`{"favourite":1,"id":1,"name":"Eve"}`}})
	if got := target.value("SELECT count(*) FROM child"); got != "2" {
		t.Errorf("%s children are left, want 2", got)
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
		"orphan":         {with("child", `{"id":5,"parent":6,"twin":null,"word":null}`), []string{"child_parent", "1 rows"}},
		"orphan outside": {with("parent", `{"favourite":null,"id":6,"name":"New"}`), []string{"parent"}},
		"duplicate":      {with("parent", good["parent"][0], `{"favourite":null,"id":6,"name":"New"}`), []string{"rows 1 to 2", "name"}},
		"bad value":      {with("child", good["child"][0], `{"id":99999999999,"parent":5,"twin":null,"word":null}`), []string{"row 2", "id"}},
		"too long": {
			with("child", good["child"][0], `{"id":6,"parent":5,"twin":null,"word":"`+strings.Repeat("x", 51)+`"}`),
			[]string{"row 2", "word"},
		},
		"null":           {with("parent", `{"favourite":null,"id":5,"name":null}`), []string{"name"}},
		"unknown column": {with("child", `{"id":5,"parent":5,"twin":null,"word":null,"zip":1}`), []string{"child", "zip", "unknown column"}},
		"generated":      {with("child", `{"id":5,"parent":5,"twin":null,"word":null,"shout":"A"}`), []string{"shout"}},
		"missing column": {with("parent", `{"favourite":null,"id":5}`), []string{"name", "optional"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t, append(append([]string{}, family...), familyRows...)...)
			if name == "orphan outside" {
				d.exec("INSERT INTO `out``side` VALUES (1, 1)")
			}
			a := d.adapter("parent", "child")
			before := adaptertest.Export(t, a)
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
		})
	}
}

func TestSilentRoundingIsCaught(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE p (id int PRIMARY KEY, at datetime(0))", "INSERT INTO p VALUES (1, '2000-01-01')")
	a := d.adapter("p")
	before := adaptertest.Export(t, a)
	err := adaptertest.Load(t.Context(), a, adaptertest.Payloads{"p": {`{"at":"2026-11-21T03:02:38.500000","id":1}`}})
	if !errors.Is(err, errVerify) || !strings.Contains(err.Error(), "column at") {
		t.Fatalf("error is %v, want the one about the column at", err)
	}
	adaptertest.Same(t, "after the failed import", before, adaptertest.Export(t, a))
}

func TestOptionalColumnGetsItsDefault(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE o (id int PRIMARY KEY, colour varchar(9) NOT NULL DEFAULT 'red')")
	adaptertest.MustLoad(t, d.adapter("{table: o, optional: [colour]}"), adaptertest.Payloads{"o": {`{"id":1}`}})
	if got := d.value("SELECT colour FROM o"); got != "red" {
		t.Errorf("colour is %s, want red", got)
	}
}

func TestSensitiveValuesStayOutOfErrors(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE s (id int PRIMARY KEY, token varchar(10) UNIQUE, n int)")
	a := d.adapter("{table: s}")
	for _, rows := range [][]string{
		{`{"id":1,"token":"CANARY","n":1}`, `{"id":2,"token":"CANARY","n":1}`},
		{`{"id":1,"token":"a","n":"CANARY"}`},
		{`{"id":1,"token":"CANARYCANARY","n":1}`},
	} {
		err := adaptertest.Load(t.Context(), a, adaptertest.Payloads{"s": rows})
		if err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestSnapshotSeesOneMoment(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY, n int)", "CREATE TABLE b (id int PRIMARY KEY, n int)",
		"INSERT INTO a SELECT seq, 1 FROM seq_1_to_20000", "INSERT INTO b SELECT seq, 1 FROM seq_1_to_10")
	s, err := d.adapter("a", "b").Snapshot(t.Context())
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
		t.Errorf("%d rows of a, %d of b (%v)", count, len(rows), err)
	}

	// What ignores snapshots has to wait.
	d.exec("SET lock_wait_timeout = 1")
	for _, sql := range []string{"TRUNCATE a", "ALTER TABLE b ADD COLUMN x int DEFAULT 1"} {
		if _, err := d.conn.ExecContext(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "Lock wait timeout") {
			t.Errorf("%s during an export: %v, want a lock timeout", sql, err)
		}
	}
}

func TestStoppingEarlyAndCancelling(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY)", "INSERT INTO a SELECT seq FROM seq_1_to_100000")
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

	err = tx.Replace(t.Context(), "a", func(yield func(contract.Row, error) bool) {
		for n := range 200000 {
			if n == 5000 {
				d.exec("KILL " + d.value("SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND id <> CONNECTION_ID()"))
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

func TestTriggersAreRefusedUnlessAllowed(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE a (id int PRIMARY KEY, n int)", "CREATE TABLE audit (n int)",
		"CREATE TRIGGER note AFTER INSERT ON a FOR EACH ROW INSERT INTO audit VALUES (1)")
	p := adaptertest.Payloads{"a": {`{"id":1,"n":2}`}}
	if err := adaptertest.Load(t.Context(), d.adapter("a"), p); err == nil || !strings.Contains(err.Error(), "trigger note") {
		t.Errorf("error is %v, want one about the trigger", err)
	}
	adaptertest.MustLoad(t, d.adapter("{table: a, allowTriggers: true}"), p)
	d.exec("CREATE TRIGGER change_it BEFORE INSERT ON a FOR EACH ROW SET NEW.n = 3")
	if err := adaptertest.Load(t.Context(), d.adapter("{table: a, allowTriggers: true}"), p); !errors.Is(err, errVerify) {
		t.Errorf("error is %v: a trigger changed a row and nobody noticed", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE nokey (a int NOT NULL, b int, UNIQUE (a), UNIQUE (b))", "CREATE VIEW v AS SELECT 1 AS id",
		"CREATE TABLE f (f double PRIMARY KEY)", "CREATE TABLE m (id int PRIMARY KEY) ENGINE MyISAM",
		"CREATE SEQUENCE s", "CREATE TABLE h (id int PRIMARY KEY) WITH SYSTEM VERSIONING", "CREATE TABLE Cased (id int PRIMARY KEY)")

	for spec, want := range map[string]string{
		"missing":                      "does not exist",
		"cased":                        "does not exist",
		"nokey":                        "no primary key",
		"{table: nokey, key: [b]}":     "is not unique",
		"{table: nokey, key: [a, zz]}": "key column zz",
		"{table: nokey, key: [a], optional: [zz]}": "optional column zz",
		"v": "view",
		"f": "does not identify rows",
		"m": "MyISAM",
		"s": "sequence",
		"h": "system versioned",
	} {
		if _, err := d.open(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", spec, err, want)
		}
	}

	if _, err := d.open("{table: nokey, key: [a]}", "Cased"); err != nil {
		t.Error(err)
	}
}
