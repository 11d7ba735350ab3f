// Command appbur-postgres serves tables of a PostgreSQL database as the state
// of an application. It exports them in one consistent snapshot and imports them
// in one transaction; see the documentation of package postgres.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/appbur/appbur/adapters/internal/serve"
	"github.com/appbur/appbur/adapters/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	program := serve.Program{
		Name: "appbur-postgres", About: "Serves tables of a PostgreSQL database as application state for appbur.",
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr,
	}
	code := serve.Main(ctx, program, serve.Tables(os.Getenv, postgres.Open))
	stop()
	os.Exit(code)
}
