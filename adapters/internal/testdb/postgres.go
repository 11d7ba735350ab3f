package testdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// StartPostgres starts a PostgreSQL server with a fresh cluster. Databases it
// makes belong to the role "app", which has no other rights.
func StartPostgres(ctx context.Context) (*Server, error) {
	const binaries = "/usr/lib/postgresql/*/bin"
	initdb, err := find("initdb", binaries)
	if err != nil {
		return nil, err
	}
	postgres, err := find("postgres", filepath.Dir(initdb))
	if err != nil {
		return nil, err
	}
	owner, err := accountFor("postgres", "nobody")
	if err != nil {
		return nil, err
	}
	dir, err := owner.newDir()
	if err != nil {
		return nil, err
	}

	data := filepath.Join(dir, "data")
	if err := owner.run(ctx, dir, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
		"--no-sync"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// The server's life is not bounded by the context of its start.
	cmd := owner.command(context.WithoutCancel(ctx), dir, postgres, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off",
		"-c", "shared_buffers=32MB", "-c", "max_connections=30", "-c", "TimeZone=America/New_York", "-c", "DateStyle=SQL, DMY")
	p, err := startProcess(cmd, filepath.Join(dir, "log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}

	s := &Server{dir: dir, process: p}
	admin := fmt.Sprintf("host=%s user=postgres dbname=postgres sslmode=disable", dir)
	execute := func(ctx context.Context, statements ...string) error {
		conn, err := pgx.Connect(ctx, admin)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }() // the statements tell whether they worked
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	}

	err = p.await(ctx, func(ctx context.Context) error { return execute(ctx, "SELECT 1") })
	if err == nil {
		err = execute(ctx, "CREATE ROLE app LOGIN")
	}
	if err != nil {
		s.Stop()
		return nil, err
	}

	s.administer = func(ctx context.Context, dsn, statements string) error {
		conn, err := pgx.Connect(ctx, strings.Replace(dsn, "user=app", "user=postgres", 1))
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, statements)
		return errors.Join(err, conn.Close(ctx))
	}
	s.create = func(ctx context.Context, name string) (string, error) {
		dsn := fmt.Sprintf("host=%s user=app dbname=%s sslmode=disable", dir, name)
		return dsn, execute(ctx, "CREATE DATABASE "+name+" OWNER app")
	}
	return s, nil
}
