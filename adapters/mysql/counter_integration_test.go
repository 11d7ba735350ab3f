//go:build integration

package mysql

import (
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/adaptertest"
)

var counted = []string{
	"CREATE TABLE owned (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, n INT)",
	"CREATE TABLE huge (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, n INT)",
	"CREATE SEQUENCE `free``ly` START WITH 100 INCREMENT BY 5 NOCACHE",
	"CREATE TABLE drawn (id BIGINT PRIMARY KEY DEFAULT NEXTVAL(`free``ly`), n INT)",
}

var countedTables = []string{"owned", "huge", "drawn"}

// next inserts a row into each table and returns the numbers that they got.
func (d *database) next() string {
	var numbers []string
	for _, table := range countedTables {
		numbers = append(numbers, d.value("INSERT INTO "+table+" (n) VALUES (0) RETURNING id"))
	}
	return strings.Join(numbers, " ")
}

// Numbers of rows that were gone before the backup are not given to others after a restore.
func TestNumbersAreNotGivenOutTwice(t *testing.T) {
	source, target := newDatabase(t, counted...), newDatabase(t, counted...)
	source.exec("INSERT INTO huge VALUES (9223372036854775808, 0)")
	for range 3 {
		source.next()
	}
	source.exec("DELETE FROM owned WHERE id = 3", "DELETE FROM huge WHERE id > 9223372036854775808", "DELETE FROM drawn WHERE id = 110")
	saved, err := adaptertest.Run(t, source.adapter(countedTables...)).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	running := adaptertest.Run(t, target.adapter(countedTables...))
	if _, err := running.Restore(t, saved); err != nil {
		t.Fatal(err)
	}
	if got, want := target.next(), "4 9223372036854775812 115"; got != want {
		t.Errorf("after the restore the next numbers are %s, want %s", got, want)
	}

	// What the target gave out meanwhile stays given out.
	for range 5 {
		target.next()
	}
	if _, err := running.Restore(t, saved); err != nil {
		t.Fatal(err)
	}
	if got, want := target.next(), "10 9223372036854775818 145"; got != want {
		t.Errorf("after the second restore the next numbers are %s, want %s", got, want)
	}

	// A payload of an older release says nothing of counters.
	for i := range saved.State.Datasets {
		saved.State.Datasets[i].Positions = nil
	}
	old := newDatabase(t, counted...)
	if _, err := adaptertest.Run(t, old.adapter(countedTables...)).Restore(t, saved); err != nil {
		t.Fatal(err)
	}
	if got := old.value("INSERT INTO owned (n) VALUES (0) RETURNING id"); got != "3" {
		t.Errorf("without positions the next number is %s, want the one after the rows, 3", got)
	}
}

// The right that is missing is told before anything is committed.
func TestCounterNeedsTheRightToAlter(t *testing.T) {
	d := newDatabase(t, counted[0], "INSERT INTO owned VALUES (1, 1)")
	a := d.adapter("owned")
	tx, err := a.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole := tx.(*transaction)
	defer tx.Rollback(t.Context())
	if err := whole.Continue(t.Context(), "owned", []appbur.Position{{Field: "id", Next: "50"}}); err != nil {
		t.Errorf("the owner may not: %v", err)
	}
	foreign := &table{Table: whole.tables["owned"].Table}
	foreign.Schema = "mysql"
	if err := foreign.mayAlter(t.Context(), whole.session); err == nil ||
		!strings.Contains(appbur.HintOf(err), "GRANT ALTER ON `mysql`.`owned`") {
		t.Errorf("error is %v, hint %q", err, appbur.HintOf(err))
	}
}
