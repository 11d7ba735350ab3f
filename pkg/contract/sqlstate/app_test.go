package sqlstate_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
	"github.com/appbur/appbur/pkg/contract/sqlstate"
)

type owner struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type key struct {
	Owner int64  `json:"owner"`
	Value string `json:"value"`
}

const ddl = `
CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE keys (owner INTEGER PRIMARY KEY REFERENCES owners, value TEXT NOT NULL CHECK (length(value) < 100)) STRICT`

func owners() sqlstate.Table {
	return sqlstate.Table{
		Dataset: contract.Dataset{Name: "owners", Schema: "1.0", Key: []string{"id"}},
		Select:  "SELECT id, name FROM owners ORDER BY id",
		Scan: func(row sqlstate.Scanner) (any, error) {
			var o owner
			return &o, row.Scan(&o.ID, &o.Name)
		},
		Delete: "DELETE FROM owners",
		Insert: sqlstate.Inserting(func(ctx context.Context, db sqlstate.Execer, o owner) error {
			_, err := db.ExecContext(ctx, "INSERT INTO owners (id, name) VALUES (?, ?)", o.ID, o.Name)
			return err
		}),
	}
}

func keys() sqlstate.Table {
	return sqlstate.Table{
		Dataset: contract.Dataset{Name: "keys", Schema: "1.0", Key: []string{"owner"}, DependsOn: []string{"owners"}},
		Select:  "SELECT owner, value FROM keys ORDER BY owner",
		Scan: func(row sqlstate.Scanner) (any, error) {
			var k key
			return &k, row.Scan(&k.Owner, &k.Value)
		},
		Delete: "DELETE FROM keys",
		Insert: sqlstate.Inserting(func(ctx context.Context, db sqlstate.Execer, k key) error {
			if _, err := db.ExecContext(ctx, "INSERT INTO keys (owner, value) VALUES (?, ?)", k.Owner, k.Value); err != nil {
				return fmt.Errorf("%q: %w", k.Value, err) // as drivers like to
			}
			return nil
		}),
	}
}

func open(dir string) (*sql.DB, error) {
	db, err := sql.Open("sqlite",
		"file:"+filepath.Join(dir, "db")+"?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(ddl + `; INSERT INTO owners VALUES (1, 'a'), (10, 'ü'), (2, ''); INSERT INTO keys VALUES (2, 'k2'), (10, 'k10')`)
	return db, err
}

func newApp(t *testing.T) (*sqlstate.App, *sql.DB) {
	t.Helper()
	db, err := open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return sqlstate.New(db, sqlstate.SQLite, keys(), owners()), db
}

func Example() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(ddl + `; INSERT INTO owners VALUES (1, 'ada')`); err != nil {
		panic(err)
	}

	app := sqlstate.New(db, sqlstate.SQLite, sqlstate.Table{
		Dataset: contract.Dataset{Name: "owners", Schema: "1.0", Key: []string{"id"}},
		Select:  "SELECT id, name FROM owners ORDER BY id",
		Scan: func(row sqlstate.Scanner) (any, error) {
			var o owner
			return &o, row.Scan(&o.ID, &o.Name)
		},
		Delete: "DELETE FROM owners",
		Insert: sqlstate.Inserting(func(ctx context.Context, db sqlstate.Execer, o owner) error {
			_, err := db.ExecContext(ctx, "INSERT INTO owners (id, name) VALUES (?, ?)", o.ID, o.Name)
			return err
		}),
	})

	snapshot, err := app.Snapshot(context.Background())
	if err != nil {
		panic(err)
	}
	for row, err := range snapshot.Rows(context.Background(), "owners") {
		fmt.Println(string(row), err)
	}
	fmt.Println(snapshot.Close(), db.Close())
	// Output:
	// {"id":1,"name":"ada"} <nil>
	// <nil> <nil>
}

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		db, err := open(t.TempDir())
		if err != nil {
			return nil, contract.Options{}, err
		}
		t.Cleanup(func() { db.Close() })
		app := sqlstate.New(db, sqlstate.SQLite, keys(), owners())
		return app, contract.Options{ID: "sql", Version: "1", Datasets: app.Datasets()}, nil
	})})
}

func rowsOf(texts ...string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, text := range texts {
			if !yield([]byte(text), nil) {
				return
			}
		}
	}
}

func TestRefusedRows(t *testing.T) {
	const canary = "hunter2"
	for name, test := range map[string]struct {
		dataset string
		rows    []string
		reason  contract.Reason
		row     string
		atEnd   bool
	}{
		"a duplicate": {
			dataset: "owners", rows: []string{`{"id":1,"name":"a"}`, `{"id":2,"name":"a"}`},
			reason: contract.ReasonConstraintViolation, row: "2",
		},
		"an unknown field": {
			dataset: "owners", rows: []string{`{"id":1,"name":"a","x":"` + canary + `"}`},
			reason: contract.ReasonPayloadInvalid, row: "1",
		},
		"a check of a secret": {
			dataset: "keys", rows: []string{`{"owner":1,"value":"` + strings.Repeat(canary, 20) + `"}`},
			reason: contract.ReasonConstraintViolation, row: "1",
		},
		"a misfit of a secret": {
			dataset: "keys", rows: []string{`{"owner":"` + canary + `","value":""}`},
			reason: contract.ReasonPayloadInvalid, row: "1",
		},
		"a dangling reference": {
			dataset: "keys", rows: []string{`{"owner":77,"value":"` + canary + `"}`},
			reason: contract.ReasonConstraintViolation, atEnd: true,
		},
		"an unknown dataset": {dataset: "others", reason: contract.ReasonUnknownDataset},
		"references left behind": {
			dataset: "owners", rows: []string{`{"id":1,"name":"a"}`}, reason: contract.ReasonConstraintViolation,
			atEnd: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, db := newApp(t)
			tx, err := app.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			err = tx.Replace(t.Context(), test.dataset, rowsOf(test.rows...))
			if test.atEnd {
				if err != nil {
					t.Fatal(err)
				}
				err = tx.Commit(t.Context())
			}

			var e *contract.Error
			if !errors.As(err, &e) || e.Reason != test.reason || e.Metadata["row"] != test.row || strings.Contains(err.Error(), canary) {
				t.Errorf("got %v", err)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Error(err)
			}
			var n int
			if err := db.QueryRow("SELECT (SELECT count(*) FROM owners) * 10 + (SELECT count(*) FROM keys)").Scan(&n); err != nil || n != 32 {
				t.Errorf("the tables hold %d, %v", n, err)
			}
		})
	}
}

func TestDatabaseThatIsGone(t *testing.T) {
	app, db := newApp(t)
	if err := app.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, snapshot := app.Snapshot(t.Context())
	_, begin := app.Begin(t.Context())
	for _, err := range []error{snapshot, begin} {
		if contract.ReasonOf(err) != contract.ReasonBackendUnavailable {
			t.Errorf("got %v", err)
		}
	}
	if app.Ready(t.Context()) == nil {
		t.Error("it is ready")
	}
}

// TestExportsAndWritersDoNotMeet: a snapshot shows what was there when it began.
func TestExportsAndWritersDoNotMeet(t *testing.T) {
	app, db := newApp(t)
	snapshot, err := app.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO owners VALUES (3, 'later')"); err != nil {
		t.Fatal(err)
	}

	n := 0
	for _, err := range snapshot.Rows(t.Context(), "owners") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}

	if n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	if err := snapshot.Close(); err != nil {
		t.Error(err)
	}
}

type coded struct{ code int }

func (coded) Error() string { return "coded" }
func (c coded) Code() int   { return c.code }

type state string

func (state) Error() string      { return "state" }
func (s state) SQLState() string { return string(s) }

func TestConstraintsByDialect(t *testing.T) {
	for _, test := range []struct {
		dialect sqlstate.Dialect
		err     error
		want    bool
	}{
		{sqlstate.SQLite, coded{19}, true},
		{sqlstate.SQLite, fmt.Errorf("x: %w", coded{787}), true},
		{sqlstate.SQLite, coded{5}, false},
		{sqlstate.SQLite, state("23505"), false},
		{sqlstate.Postgres, state("23505"), true},
		{sqlstate.Postgres, fmt.Errorf("x: %w", state("23503")), true},
		{sqlstate.Postgres, state("40001"), false},
		{sqlstate.Postgres, nil, false},
	} {
		if got := test.dialect.Constraint(test.err); got != test.want {
			t.Errorf("%v: %t", test.err, got)
		}
	}
}
