package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// settings pin everything that decides what the server prints or what a query
// returns, so that neither the server's configuration nor the role's does.
var settings = []struct {
	name, value string
	since       int // first major version that knows the setting
	reason      string
}{
	{"client_encoding", "UTF8", 0, "JSON is UTF-8"},
	{"datestyle", "ISO, YMD", 0, "dates are printed and read in one order"},
	{"intervalstyle", "postgres", 0, "sql_standard cannot hold mixed signs"},
	{"timezone", "UTC", 0, "timestamptz is printed in the session's zone"},
	{"extra_float_digits", "3", 0, "fewer lose bits"},
	{"bytea_output", "hex", 0, "the escape format is a second spelling"},
	{"lc_monetary", "C", 0, "money is printed and read by this locale"},
	{"xmloption", "content", 0, "document refuses fragments that a column may hold"},
	{"search_path", "", 0, "no object of a user stands in for one of the catalog; names of regclass columns are qualified"},
	{"row_security", "off", 0, "a policy must make a query fail, not return fewer rows"},
	{"statement_timeout", "0", 0, "a role's default must not cut a long table"},
	{"idle_in_transaction_session_timeout", "0", 0, "a slow reader must not end the snapshot"},
	{"transaction_timeout", "0", 17, "a role's default must not cut a long transaction"},
	{"jit", "off", 11, "compiling a query over the catalog takes longer than the query"},
	{"synchronize_seqscans", "off", 0, "scans start at the first page"},
	{"standard_conforming_strings", "on", 0, "string literals of catalog definitions mean the same"},
	{"default_transaction_read_only", "off", 0, "what a transaction may do is said where it begins"},
}

// session is one connection with pinned settings and, most of its life, one
// transaction. It is closed after use and never goes back to a pool.
type session struct {
	conn *pgconn.PgConn
}

func connect(ctx context.Context, config *pgconn.Config, lockTimeout time.Duration) (*session, error) {
	conn, err := pgconn.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return nil, fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	s := &session{conn: conn}
	version := majorVersion(conn.ParameterStatus("server_version"))
	var sql strings.Builder
	for _, setting := range settings {
		if version >= setting.since {
			fmt.Fprintf(&sql, "SET SESSION %s = '%s';", setting.name, setting.value)
		}
	}
	fmt.Fprintf(&sql, "SET SESSION lock_timeout = '%dms'", lockTimeout.Milliseconds())
	if err := s.exec(ctx, sql.String()); err != nil {
		s.close()
		return nil, fmt.Errorf("preparing the session: %w", err)
	}
	return s, nil
}

// majorVersion reads "15.18 (Debian …)", "18beta1" and "18devel". Zero is unknown.
func majorVersion(s string) int {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	version, _ := strconv.Atoi(s[:end]) // no digits is zero
	return version
}

// close ends the connection, and with it whatever transaction is open. It does
// not wait for a server that no longer answers.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // the server ends the transaction either way
}

// exec runs statements that return nothing of interest.
func (s *session) exec(ctx context.Context, sql string) error {
	return s.conn.Exec(ctx, sql).Close()
}

// query runs one statement and returns its rows as text, with NULL as "".
func (s *session) query(ctx context.Context, sql string, args ...string) ([][]string, error) {
	params := make([][]byte, len(args))
	for i, arg := range args {
		params[i] = []byte(arg)
	}
	result := s.conn.ExecParams(ctx, sql, params, nil, nil, nil)
	var rows [][]string
	for result.NextRow() {
		values := result.Values()
		row := make([]string, len(values))
		for i, value := range values {
			row[i] = string(value)
		}
		rows = append(rows, row)
	}
	_, err := result.Close()
	return rows, err
}

// stream runs one statement and hands over its rows one by one as the server
// sends them; nil is NULL. Values are valid during the call. When visit returns an
// error the rest of the rows is not wanted and the session is closed: PostgreSQL
// has no cheaper way to stop.
func (s *session) stream(ctx context.Context, sql string, visit func(values [][]byte) error) error {
	result := s.conn.ExecParams(ctx, sql, nil, nil, nil, nil)
	for result.NextRow() {
		if err := visit(result.Values()); err != nil {
			s.close()
			return err
		}
	}
	_, err := result.Close()
	return err
}

// ident quotes an identifier.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal quotes a string; standard_conforming_strings is on.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}
