//go:build integration

package recipes

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// mariadb starts a MariaDB whose settings differ from what the recipe's author had,
// with a password as the official image sets it.
func mariadb(t *testing.T) place {
	t.Helper()
	owner := account(t, "mysql", "nobody")
	dir := home(t, owner)
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "s")
	at := place{
		"PATH": filepath.Join(dir, "bin") + ":" + filepath.Join(unpackedDir(t), "usr", "bin") + ":/usr/sbin",
		"HOME": dir, "MARIADB_DATABASE": "shop-1",
	}
	at.become(t, owner, dir, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--tmpdir="+dir, "--skip-test-db",
		"--auth-root-authentication-method=normal")
	at.client(t, dir, "mariadb", "--no-defaults", "-S", socket).client(t, dir, "mariadb-dump", "--no-defaults", "-S", socket)

	at.serve(t, owner, dir, func(ctx context.Context) error {
		_, err := at.try(ctx, "", "mariadb", "-uroot", "-e", "SELECT 1")
		return err
	}, "mariadbd", "--no-defaults", "--datadir="+data, "--tmpdir="+dir, "--socket="+socket, "--skip-networking",
		"--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
		"--character-set-server=latin1",
		"--default-time-zone=-05:00")
	at.say(t, "ALTER USER root@localhost IDENTIFIED BY 'of the image'; CREATE DATABASE `shop-1`", "mariadb", "-uroot")
	at["MARIADB_ROOT_PASSWORD"] = "of the image"
	at["MYSQL_PWD"] = "of the image"
	return at
}

const mariadbShop = `
	ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; SET NAMES utf8mb4;
	CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, size ENUM('small', 'large') DEFAULT 'small', note TEXT, data BLOB, at TIMESTAMP,
		price DECIMAL(9,2) CHECK (price >= 0), twice DECIMAL(9,2) AS (price * 2), UNIQUE (note(20)));
	CREATE TABLE parts (order_id BIGINT, n INT, CONSTRAINT of_order FOREIGN KEY (order_id) REFERENCES orders (id));
	CREATE SEQUENCE tickets START WITH 7; SELECT NEXTVAL(tickets);
	CREATE VIEW big AS SELECT * FROM orders WHERE size = 'large';
	DELIMITER //
	CREATE TRIGGER log AFTER INSERT ON orders FOR EACH ROW BEGIN INSERT INTO parts VALUES (NEW.id, 0); END //
	CREATE PROCEDURE clean() BEGIN DELETE FROM parts; END //
	CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2024-01-01 00:00:00' DISABLE DO CALL clean() //
	DELIMITER ;
	INSERT INTO orders (note, data, at, price) VALUES ('Grüße', 0x00ff0a0d1a, '2024-02-29 12:00', 0.10),
		('O''Brien "x" \', NULL, '2024-01-01', 3),
		('SET @appbur_complete = 1;
-- two lines', '', '2024-01-01', NULL);
	DELETE FROM parts WHERE order_id = 3; DELETE FROM orders WHERE id = 3; INSERT INTO parts VALUES (NULL, 2), (NULL, 1);
`

const mariadbRows = `
	SELECT * FROM orders ORDER BY id; SELECT * FROM parts ORDER BY 1, 2; SELECT NEXTVAL(tickets) > 7; SHOW TABLES;
	INSERT INTO orders (note, size) VALUES ('next', 'large'); SELECT id FROM big; SELECT * FROM parts ORDER BY 1, 2;
	SELECT @@character_set_database, @@collation_database; SELECT event_name, starts, time_zone FROM information_schema.events;
	SELECT routine_name, definer FROM information_schema.routines WHERE routine_schema = DATABASE();
`

// TestMariaDB moves a database into another server that holds other things.
func TestMariaDB(t *testing.T) {
	from, to := mariadb(t), mariadb(t)
	run := func(at place, statements string) string {
		t.Helper()
		return at.say(t, statements, "mariadb", "-uroot", "--batch", at["MARIADB_DATABASE"])
	}
	run(from, mariadbShop)
	run(to, "CREATE TABLE orders (id INT); INSERT INTO orders VALUES (99); CREATE TABLE foreign_rows AS SELECT 1; CREATE PROCEDURE foreign_one() SELECT 1")
	saved := export(t, open(t, "mariadb", from))

	a := open(t, "mariadb", to)
	text := saved["database"]
	refused(t, a, "database", "cut off within a value", text[:strings.Index(text, "O\\'Brien")])
	refused(t, a, "database", "cut off between statements", text[:strings.LastIndex(text, "SET @appbur")])
	refused(t, a, "database", "with a price that is none", strings.Replace(text, "0.10", "O.10", 1))
	if left := run(to, "SHOW DATABASES LIKE 'appbur%'"); left != "" {
		t.Errorf("the check left a database: %s", left)
	}
	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	same(t, saved, export(t, a))

	// What fails in the end, and no check could know, is undone by importing what was there.
	before := exportOnce(t, a)
	failing := strings.Replace(text, "SET @appbur_complete", "SELECT IF(DATABASE() = 'shop-1', (SELECT 1 UNION SELECT 2), 1) INTO @x;\nSET @appbur_complete", 1)
	if err := load(t, a, payloads{"database": failing}); err == nil {
		t.Error("an import that fails at its end succeeded")
	}
	same(t, before, exportOnce(t, a))
	if was, is := run(from, mariadbRows), run(to, mariadbRows); was != is {
		t.Errorf("it held\n%s\nand holds\n%s", was, is)
	}
}
