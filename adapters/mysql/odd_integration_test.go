//go:build integration

package mysql

import (
	"strings"
	"testing"

	"github.com/appbur/appbur/adapters/internal/adaptertest"
)

// oddTables and oddRows are values that a plain INSERT changes: 0 in an AUTO_INCREMENT
// column, dates that are none, another time zone, invisible and generated columns, floats
// at their limits, bits, the empty label, bytes, padding.
var oddTables = []string{
	"CREATE TABLE seats (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, who VARCHAR(20))",
	"CREATE TABLE days (id INT PRIMARY KEY, d DATE NULL, dt DATETIME(6) NULL, ts TIMESTAMP(3) NULL DEFAULT NULL, t TIME(3) NULL, y YEAR NULL)",
	`CREATE TABLE gen (id INT PRIMARY KEY, a INT, twice INT AS (a*2) STORED, plus INT AS (a+1) VIRTUAL, hidden VARCHAR(10) INVISIBLE DEFAULT 'dflt',
		seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)`,
	`CREATE TABLE words (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, l1 VARCHAR(20) CHARACTER SET latin1, b VARBINARY(20), bl BLOB)`,
	"CREATE TABLE pads (k CHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)",
	`CREATE TABLE nums (id BIGINT UNSIGNED PRIMARY KEY, f FLOAT, d DOUBLE, c DECIMAL(65,30), bt BIT(64), j JSON, e ENUM('x','y',''), s SET('a','b','c'), z INT(6) ZEROFILL)`,
	"CREATE TABLE tree (id INT PRIMARY KEY, parent INT NULL, FOREIGN KEY (parent) REFERENCES tree(id) ON DELETE CASCADE)",
	"CREATE TABLE pairs (a INT, b VARBINARY(4), v INT, PRIMARY KEY (a DESC, b))",
}

var oddRows = []string{
	"INSERT INTO seats VALUES (0,'zero'),(-5,'minus'),(1,'one'),(90,'gone')", "DELETE FROM seats WHERE id=90",
	`INSERT INTO days VALUES (1,'0000-00-00','0000-00-00 00:00:00',NULL,'-838:59:59.000','0000'),
		(2,'2024-00-15','2024-02-00 12:00:00.000001','1970-01-01 00:00:01.000','838:59:59.000','2155'),
		(3,'2023-02-31','9999-12-31 23:59:59.999999','2024-03-31 02:30:00.500','00:00:00.001','1901'),
		(4,'1000-01-01','2024-10-27 02:30:00','2024-10-27 00:30:00','12:00','2024'),(5,NULL,NULL,NULL,NULL,NULL)`,
	"INSERT INTO gen (id,a,hidden,seen) VALUES (1,10,'secret','2001-01-01 00:00:00'),(2,NULL,NULL,'2002-02-02 02:02:02')",
	"INSERT INTO words VALUES ('a','é€',x'00ff','x'),('á',NULL,NULL,''),('A','',x'',NULL),('🚀','ÿ',x'27225c0a',x'e9'),(' a','a ','a ','a '),('','','','')",
	"INSERT INTO pads VALUES ('a',1),('B',2),('ß',3),('z ',4)",
	`INSERT INTO nums VALUES
		(18446744073709551615,3.4028235e38,1.7976931348623157e308,'99999999999999999999999999999999999.999999999999999999999999999999',
			b'1111111111111111111111111111111111111111111111111111111111111111','{"b":1,"a":1.0,"b":2,"n":1e400}','','a,c',42),
		(0,0.1,-0.0,0.1,0,'[1, 2.50, "\\u00e9", null]',NULL,'',0),(9007199254740993,16777217,0.1,-1,1,NULL,'x','a,b,c',999999),
		(2,1e-45,5e-324,'0.000000000000000000000000000001',2,'"a"','y',NULL,1)`,
	"INSERT INTO tree VALUES (1,NULL),(3,1),(2,3),(4,4)",
	"INSERT INTO pairs VALUES (1,'a',1),(1,'A',2),(2,x'00',3),(-1,'',4)",
}

// Into a server of another time zone and a stricter mode every value comes back as it was,
// by the server's own checksums, and numbers go on where they were.
func TestOddValuesComeBackIntoAStricterServer(t *testing.T) {
	source, target := newDatabase(t, append(oddTables, oddRows...)...), newDatabase(t, oddTables...)
	target.exec("INSERT INTO seats VALUES (7, 'old content')")
	target.dsn += "?time_zone=%27%2B05%3A30%27&sql_mode=%27STRICT_ALL_TABLES%2CNO_ZERO_DATE%2CNO_ZERO_IN_DATE%2CERROR_FOR_DIVISION_BY_ZERO%27"
	tables := []string{"seats", "days", "gen", "words", "pads", "nums", "tree", "pairs"}
	saved, err := adaptertest.Run(t, source.adapter(tables...)).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	running := adaptertest.Run(t, target.adapter(tables...))
	if _, err := running.Restore(t, saved); err != nil {
		t.Fatal(err)
	}
	if differences, err := running.Verify(t, saved); err != nil || len(differences) > 0 {
		t.Errorf("verify says %q (%v)", differences, err)
	}

	for _, table := range tables {
		if was, is := source.checksum(table), target.checksum(table); was == "" || is != was {
			t.Errorf("the checksum of %s is %s, was %s", table, is, was)
		}
	}
	const hidden = "SELECT GROUP_CONCAT(hidden) FROM gen"
	if was, is := source.value(hidden), target.value(hidden); is != was {
		t.Errorf("the invisible column holds %s, held %s", is, was)
	}
	if got := target.value("INSERT INTO seats (who) VALUES ('next') RETURNING id"); got != "91" {
		t.Errorf("the next seat is %s, want 91: 90 was given out", got)
	}
}

func (d *database) checksum(table string) string {
	d.t.Helper()
	var name, sum string
	if err := d.conn.QueryRowContext(d.t.Context(), "CHECKSUM TABLE "+table+" EXTENDED").Scan(&name, &sum); err != nil {
		d.t.Fatal(err)
	}
	return strings.TrimSpace(sum)
}
