package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// flavour tells the two families of servers apart.
type flavour int

const (
	both flavour = iota
	onlyMariaDB
	onlyMySQL
)

// settings pin everything that decides what the server prints and accepts.
var settings = []struct {
	name, value string
	of          flavour
	reason      string
}{
	// Strict, so that a value which does not fit is an error. Zero dates stay
	// possible: a table may hold them. A zero in an AUTO_INCREMENT column is data.
	{
		"sql_mode", "'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'", both,
		"the server's mode may be any, and a table may hold 2023-02-31",
	},
	{"time_zone", "'+00:00'", both, "TIMESTAMP is printed and read in the session's zone"},
	{"autocommit", "1", both, "transactions begin where the adapter says so"},
	{"unique_checks", "1", both, "off, InnoDB may miss duplicates"},
	{"sql_select_limit", "DEFAULT", both, "a limit would cut exports silently"},
	{"sql_auto_is_null", "0", both, "IS NULL means null"},
	{"max_sort_length", "8192", both, "keys, of at most 3072 bytes, must be sorted by all of them"},
	{"net_write_timeout", "3600", both, "a slow reader must not end the snapshot"},
	{"net_read_timeout", "3600", both, "a slow writer must not end the import"},
	{"wait_timeout", "28800", both, "a pause between tables must not end the transaction"},
	{"max_statement_time", "0", onlyMariaDB, "a user's default must not cut a long table"},
	{"max_execution_time", "0", onlyMySQL, "a user's default must not cut a long table"},
	{"information_schema_stats_expiry", "0", onlyMySQL, "the catalog must not be a day old"},
}

// session is one connection with pinned settings. It is closed after use and never
// goes back to a pool.
type session struct {
	pool *sql.DB
	conn *sql.Conn
	of   flavour
}

// parseDSN reads the driver's connection string and overrides what the adapter
// depends on.
func parseDSN(dsn string) (*driver.Config, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("reading the connection string: %w", err)
	}
	config.ParseTime = false        // would turn zero dates into something else
	config.InterpolateParams = true // one message per batch instead of two
	config.MultiStatements = false
	config.AllowAllFiles = false
	config.MaxAllowedPacket = 0 // ask the server
	config.Logger = &driver.NopLogger{}
	if err := config.Apply(driver.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("reading the connection string: %w", err)
	}
	return config, nil
}

func connect(ctx context.Context, config *driver.Config, lockTimeout time.Duration) (*session, error) {
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	s := &session{pool: sql.OpenDB(connector)}
	if s.conn, err = s.pool.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to the database: %w", err), s.pool.Close())
	}
	if err := s.prepare(ctx, lockTimeout); err != nil {
		s.close()
		return nil, fmt.Errorf("preparing the session: %w", err)
	}
	return s, nil
}

func (s *session) prepare(ctx context.Context, lockTimeout time.Duration) error {
	version, err := s.query(ctx, "SELECT VERSION()")
	if err != nil {
		return err
	}
	s.of = onlyMySQL
	if strings.Contains(version[0][0], "MariaDB") {
		s.of = onlyMariaDB
	}
	seconds := strconv.Itoa(max(1, int(lockTimeout.Round(time.Second)/time.Second)))

	assignments := []string{"innodb_lock_wait_timeout = " + seconds, "lock_wait_timeout = " + seconds}
	for _, setting := range settings {
		if setting.of == both || setting.of == s.of {
			assignments = append(assignments, setting.name+" = "+setting.value)
		}
	}

	if err := s.exec(ctx, "SET SESSION "+strings.Join(assignments, ", SESSION ")); err != nil {
		return err
	}
	return s.exec(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
}

// close ends the connection, and with it whatever transaction is open.
func (s *session) close() {
	_ = s.conn.Close() // only returns it to the pool …
	_ = s.pool.Close() // … which ends it; the server rolls back
}

func (s *session) exec(ctx context.Context, sql string, args ...any) error {
	_, err := s.conn.ExecContext(ctx, sql, args...)
	return err
}

// query runs one statement and returns its rows as text, with NULL as "".
func (s *session) query(ctx context.Context, sql string, args ...any) ([][]string, error) {
	var all [][]string
	err := s.stream(ctx, sql, func(values [][]byte) error {
		row := make([]string, len(values))
		for i, value := range values {
			row[i] = string(value)
		}
		all = append(all, row)
		return nil
	}, args...)
	return all, err
}

// stream runs one statement and hands over its rows one by one as the server
// sends them; nil is NULL. Values are valid during the call. When visit returns an
// error the rest of the rows is not wanted and the connection is given up: the
// protocol has no cheaper way to stop.
func (s *session) stream(ctx context.Context, query string, visit func(values [][]byte) error, args ...any) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err shows how it ended
	columns, err := rows.Columns()
	if err != nil {
		return err
	}

	raw := make([]sql.RawBytes, len(columns))
	values, targets := make([][]byte, len(columns)), make([]any, len(columns))
	for i := range raw {
		targets[i] = &raw[i]
	}

	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i := range raw {
			values[i] = raw[i]
		}
		if err := visit(values); err != nil {
			cancel() // the driver closes the connection instead of reading on
			return err
		}
	}
	return rows.Err()
}

// ident quotes an identifier. The backtick does so in every sql_mode.
func ident(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}
