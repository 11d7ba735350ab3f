//go:build integration

package mysql

import (
	"strings"
	"testing"

	"github.com/appbur/appbur/adapters/internal/adaptertest"
)

const olderOrders = "CREATE TABLE orders (id int PRIMARY KEY, colour varchar(20), fax varchar(20))"

// A newer application added columns that the saved state has no value for: the restore
// succeeds, says so, and everything else is compared.
func TestRestoreIntoANewerSchema(t *testing.T) {
	source := newDatabase(t, olderOrders, "INSERT INTO orders VALUES (1, 'red', '1'), (2, NULL, NULL)")
	target := newDatabase(t, olderOrders,
		`ALTER TABLE orders ADD note text, ADD price decimal(10,2) NOT NULL DEFAULT 1.5, ADD paid bool DEFAULT false, ADD raw binary(4) DEFAULT 'x',
		ADD at timestamp DEFAULT current_timestamp, ADD tag varchar(5) NOT NULL DEFAULT 'it''s', ADD born datetime(6) DEFAULT '2000-01-01', ADD n bigint DEFAULT -7`)
	for _, sensitive := range []string{"orders", "{table: orders}"} {
		saved, err := adaptertest.Run(t, source.adapter(sensitive)).Backup(t)
		if err != nil {
			t.Fatal(err)
		}
		running := adaptertest.Run(t, target.adapter(sensitive))
		notes, err := running.Restore(t, saved)
		if err != nil {
			t.Fatal(err)
		}
		if len(notes) != 8 || !strings.HasPrefix(notes[0], "at in 2 rows") {
			t.Errorf("the report says %q", notes)
		}
		if differences, err := running.Verify(t, saved); err != nil || len(differences) > 0 {
			t.Errorf("verify says %q (%v)", differences, err)
		}
		target.exec("UPDATE orders SET price = 2 WHERE id = 1")
		if differences, err := running.Verify(t, saved); err != nil || len(differences) != 1 {
			t.Errorf("somebody changed a row, and verify says %q (%v)", differences, err)
		}
	}

	// What the target has no place for, and what it must have, is no harmless difference.
	saved, err := adaptertest.Run(t, source.adapter("orders")).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	for ddl, column := range map[string]string{"DROP fax": "fax", "ADD must int NOT NULL": "must"} {
		d := newDatabase(t, olderOrders, "ALTER TABLE orders "+ddl)
		if _, err := adaptertest.Run(t, d.adapter("orders")).Restore(t, saved); err == nil || !strings.Contains(err.Error(), "column "+column) {
			t.Errorf("%s: error is %v, want one about the column", ddl, err)
		}
	}
}

// Changes that the configuration declares are made to the payload and to what it is
// compared with; what they drop is told.
func TestRestoreWithDeclaredChanges(t *testing.T) {
	source := newDatabase(t, olderOrders, "INSERT INTO orders VALUES (1, 'red', '1'), (2, NULL, NULL)")
	target := newDatabase(t, `CREATE TABLE orders (id int PRIMARY KEY, color varchar(20), kind varchar(9) NOT NULL)`)
	saved, err := adaptertest.Run(t, source.adapter("orders")).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	running := adaptertest.Run(t,
		target.adapter(`{table: orders, sensitive: false, payloadSchema: "2.0", upcasts: [{from: "1.0", to: "2.0", changes: [
		{op: rename, path: /colour, to: /color}, {op: drop, path: /fax, reason: nobody sends any}, {op: add, path: /kind, value: old}]}]}`))

	notes, err := running.Restore(t, saved)
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "/fax in 1 rows") || !strings.Contains(notes[0], "nobody sends any") {
		t.Errorf("the report says %q (%v)", notes, err)
	}
	if differences, err := running.Verify(t, saved); err != nil || len(differences) > 0 {
		t.Errorf("verify says %q (%v)", differences, err)
	}
	if got := target.value("SELECT group_concat(id, coalesce(color, '-'), kind ORDER BY id SEPARATOR ' ') FROM orders"); got != "1redold 2-old" {
		t.Errorf("the table holds %s", got)
	}
}
