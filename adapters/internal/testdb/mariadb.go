package testdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "github.com/go-sql-driver/mysql" // the driver that creates databases
)

// StartMariaDB starts a MariaDB server with a fresh data directory. Databases it
// makes belong to the user "app", who has rights on nothing else.
func StartMariaDB(ctx context.Context) (*Server, error) {
	install, err := find("mariadb-install-db", "/usr/bin")
	if err != nil {
		return nil, err
	}
	mariadbd, err := find("mariadbd", "/usr/sbin")
	if err != nil {
		return nil, err
	}

	owner, err := accountFor("mysql", "nobody")
	if err != nil {
		return nil, err
	}
	dir, err := owner.newDir()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := owner.run(ctx, dir, install, "--no-defaults", "--datadir="+data, "--tmpdir="+dir, "--auth-root-authentication-method=normal",
		"--skip-test-db"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	socket := filepath.Join(dir, "s")

	// The server's life is not bounded by the context of its start. The settings
	// are awkward on purpose: the adapter must not depend on the server's defaults.
	cmd := owner.command(context.WithoutCancel(ctx), dir, mariadbd, "--no-defaults", "--datadir="+data, "--tmpdir="+dir, "--socket="+socket,
		"--skip-networking",
		"--pid-file="+filepath.Join(dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
		"--default-time-zone=-05:00", "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "--character-set-server=latin1")

	p, err := startProcess(cmd, filepath.Join(dir, "log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &Server{dir: dir, process: p}
	admin, err := sql.Open("mysql", "root@unix("+socket+")/")
	if err != nil {
		s.Stop()
		return nil, err
	}

	execute := func(ctx context.Context, statements ...string) error {
		for _, statement := range statements {
			if _, err := admin.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	}

	err = p.await(ctx, admin.PingContext)
	if err == nil {
		err = execute(ctx, "CREATE USER app@localhost")
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	s.create = func(ctx context.Context, name string) (string, error) {
		return "app@unix(" + socket + ")/" + name, execute(ctx,
			"CREATE DATABASE "+name+" CHARACTER SET utf8mb4", "GRANT ALL ON "+name+".* TO app@localhost")
	}
	return s, nil
}
