//go:build integration

package postgres

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/adaptertest"
)

// Rows that are older than a constraint come back, and so does the constraint: on new
// rows, and on those only.
func TestRowsOlderThanAConstraintComeBack(t *testing.T) {
	const ddl = `
		CREATE TABLE boss (id int PRIMARY KEY);
		CREATE TABLE staff (id int PRIMARY KEY, age int, boss int);
		CREATE TABLE parts (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
		CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (100);`
	const rows = `
		INSERT INTO staff VALUES (1, -5, 77), (2, NULL, NULL);
		INSERT INTO parts VALUES (1, -1);`
	const constraints = `
		ALTER TABLE staff ADD CONSTRAINT grown CHECK (age >= 18) NOT VALID;
		COMMENT ON CONSTRAINT grown ON staff IS 'by law';
		ALTER TABLE staff ADD CONSTRAINT has_boss FOREIGN KEY (boss) REFERENCES boss NOT VALID;
		ALTER TABLE parts ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
		CREATE TABLE high PARTITION OF parts FOR VALUES FROM (100) TO (200);`
	source, target := newDatabase(t, ddl, rows, constraints), newDatabase(t, ddl, constraints)
	before := target.catalogState()
	saved, err := adaptertest.Run(t, source.adapter("boss", "staff", "parts")).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	running := adaptertest.Run(t, target.adapter("boss", "staff", "parts"))
	for range 2 {
		if _, err := running.Restore(t, saved); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(before, target.catalogState()); d != "" {
		t.Errorf("the catalog changed (-before +after):\n%s", d)
	}
	for _, sql := range []string{
		"INSERT INTO staff VALUES (3, 5, NULL)", "INSERT INTO staff VALUES (3, 18, 77)",
		"INSERT INTO parts VALUES (2, 0)", "INSERT INTO parts VALUES (150, 0)",
	} {
		if _, err := target.conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s is taken: the constraint is gone", sql)
		}
	}

	strict := newDatabase(t, ddl, "ALTER TABLE staff ADD CONSTRAINT grown CHECK (age >= 18)")
	_, err = adaptertest.Run(t, strict.adapter("boss", "staff", "parts")).Restore(t, saved)
	if err == nil || !strings.Contains(err.Error(), "grown") {
		t.Errorf("a target that is stricter takes the rows: %v", err)
	}
}

// What no import could put in place ends the export, by table, constraint and row; the
// key of a row that is sensitive is not told.
func TestExportNamesRowsThatNoImportTakes(t *testing.T) {
	for name, c := range map[string]struct {
		ddl        string
		tables     []string
		constraint string
		row        string
	}{
		"orphan": {
			`CREATE TABLE p (a int, b bytea, PRIMARY KEY (a, b)); CREATE TABLE c (id bytea PRIMARY KEY, a int, b bytea, CONSTRAINT whose FOREIGN KEY (a, b) REFERENCES p);
			INSERT INTO p VALUES (1, '\x01'); INSERT INTO c VALUES ('\x00', 1, '\x01'), ('\x02', NULL, '\x07'), ('\xca', 1, '\x02')`,
			[]string{"p", "c"},
			"whose", `{"id":"yg=="}`,
		},
		"inherited": {
			`CREATE TABLE up (id int, n int); CREATE TABLE c (PRIMARY KEY (id)) INHERITS (up); INSERT INTO c VALUES (1, 1), (202, -1);
			ALTER TABLE up ADD CONSTRAINT positive CHECK (n > 0) NOT VALID`,
			[]string{"c"},
			"positive", `{"id":202}`,
		},
		"domain": {
			`CREATE DOMAIN small AS varchar(9); CREATE TABLE c (id int PRIMARY KEY, s small); INSERT INTO c VALUES (1, 'ok'), (202, 'CANARY');
			ALTER DOMAIN small ADD CONSTRAINT lower_case CHECK (VALUE = lower(VALUE)) NOT VALID`,
			[]string{"c"},
			"lower_case", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			if name == "orphan" {
				server.AsAdministrator(t, d.dsn, "SET session_replication_role = replica; SET ROLE app; "+c.ddl)
			} else {
				d.exec(c.ddl)
			}
			_, err := adaptertest.Run(t, d.adapter(c.tables...)).Backup(t)
			if err == nil || !strings.Contains(err.Error(), c.constraint) || !strings.Contains(err.Error(), "table public.c") ||
				!strings.Contains(err.Error(), c.row) {
				t.Errorf("error is %v, want one that names table, %s and row %s", err, c.constraint, c.row)
			}
			if appbur.HintOf(err) == "" {
				t.Error("it has no hint")
			}

			specs := []string{"{table: c}"}
			if len(c.tables) > 1 {
				specs = append(specs, "{table: p}")
			}
			_, err = adaptertest.Run(t, d.adapter(specs...)).Backup(t)
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
