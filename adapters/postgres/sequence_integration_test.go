//go:build integration

package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/adaptertest"
)

// counted has a counter of every kind: owned by its column, of an identity column, free
// and drawn from by a default, in the text of a default, downwards.
const counted = `
	CREATE TABLE owned (id serial PRIMARY KEY, n int);
	CREATE TABLE identity (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int);
	CREATE SEQUENCE free START 100 INCREMENT 5;
	CREATE TABLE drawn (id bigint PRIMARY KEY DEFAULT nextval('free'), n int);
	CREATE SEQUENCE tickets;
	CREATE TABLE texts (id text PRIMARY KEY DEFAULT 'T-' || nextval('tickets'), n int);
	CREATE SEQUENCE down INCREMENT -1;
	CREATE TABLE downwards (id int PRIMARY KEY DEFAULT nextval('down'), n int);`

var countedTables = []string{"owned", "identity", "drawn", "texts", "downwards"}

// next inserts a row into each table and returns the numbers that they got.
func (d *database) next() string {
	var numbers []string
	for _, table := range countedTables {
		numbers = append(numbers, d.value("INSERT INTO "+table+" (n) VALUES (0) RETURNING id::text"))
	}
	return strings.Join(numbers, " ")
}

// Numbers of rows that were gone before the backup are not given to others after a restore.
func TestNumbersAreNotGivenOutTwice(t *testing.T) {
	source := newDatabase(t, counted)
	for range 3 {
		source.next()
	}
	for _, table := range countedTables {
		source.exec("DELETE FROM " + table + " WHERE ctid = (SELECT max(ctid) FROM " + table + ")")
	}
	saved, err := adaptertest.Run(t, source.adapter(countedTables...)).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, dataset := range saved.State.Datasets {
		if want := (appbur.Position{Field: "id", Counter: "public.free", Next: "115"}); dataset.Name == "drawn" &&
			!slices.Equal(dataset.Positions, []appbur.Position{want}) {
			t.Errorf("the position of a free sequence is %+v, want %+v", dataset.Positions, want)
		}
	}

	target := newDatabase(t, counted)
	running := adaptertest.Run(t, target.adapter(countedTables...))
	if _, err := running.Restore(t, saved); err != nil {
		t.Fatal(err)
	}
	if got, want := target.next(), "4 4 115 T-4 -4"; got != want {
		t.Errorf("after the restore the next numbers are %s, want %s", got, want)
	}

	// What the target gave out meanwhile stays given out.
	for range 5 {
		target.next()
	}
	if _, err := running.Restore(t, saved); err != nil {
		t.Fatal(err)
	}
	if got, want := target.next(), "10 10 145 T-10 -10"; got != want {
		t.Errorf("after the second restore the next numbers are %s, want %s", got, want)
	}
}

// A payload of an older release says nothing of counters: the rows do.
func TestSequencesFollowTheRowsOfPayloadsWithoutPositions(t *testing.T) {
	source, target := newDatabase(t, counted), newDatabase(t, counted)
	source.next()
	source.next()
	saved, err := adaptertest.Run(t, source.adapter(countedTables...)).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	for i := range saved.State.Datasets {
		saved.State.Datasets[i].Positions = nil
	}
	if _, err := adaptertest.Run(t, target.adapter(countedTables...)).Restore(t, saved); err != nil {
		t.Fatal(err)
	}
	target.exec("SELECT setval('tickets', 2)") // of which the rows tell nothing
	if got, want := target.next(), "3 3 110 T-3 -3"; got != want {
		t.Errorf("the next numbers are %s, want %s", got, want)
	}
}

func TestSequencesMoveWithTheCommitOnly(t *testing.T) {
	const ddl = `CREATE SEQUENCE few MAXVALUE 9; CREATE TABLE a (id int PRIMARY KEY DEFAULT nextval('few'));`
	d := newDatabase(t, ddl)
	a := d.adapter("a")
	begin := func(next string) *transaction {
		tx, err := a.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Replace(t.Context(), "a", adaptertest.Feed([]string{`{"id":2}`})); err != nil {
			t.Fatal(err)
		}
		whole := tx.(*transaction)
		if err := whole.Continue(t.Context(), "a", []appbur.Position{{Field: "id", Counter: "another.name", Next: next}}); err != nil {
			t.Fatal(err)
		}
		return whole
	}

	tx := begin("10")
	if err := tx.continueSequences(t.Context(), tx.tables["a"]); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.value("SELECT nextval('few')::text"); got != "1" {
		t.Errorf("after a rollback the next number is %s, want 1", got)
	}

	if err := begin("10").Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.conn.Exec(t.Context(), "INSERT INTO a DEFAULT VALUES"); err == nil ||
		!strings.Contains(err.Error(), "maximum value of sequence") {
		t.Errorf("all numbers were given out, and the next insert says: %v", err)
	}
}

// A role that may not read a counter is told so when the adapter starts.
func TestHiddenSequenceIsToldAtTheStart(t *testing.T) {
	d := newDatabase(t, "CREATE SEQUENCE shy; CREATE TABLE a (id int PRIMARY KEY DEFAULT nextval('shy'))",
		"REVOKE ALL ON SEQUENCE shy FROM app")
	_, err := d.open("a")
	if err == nil || !strings.Contains(appbur.HintOf(err), `GRANT SELECT ON SEQUENCE "public"."shy"`) {
		t.Errorf("error is %v, hint %q", err, appbur.HintOf(err))
	}
}
