// Command appbur-postgres serves tables of a PostgreSQL database as the state
// of an application. It exports them in one consistent snapshot and imports them
// in one transaction; see the documentation of package postgres.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/appbur/appbur/adapters/internal/serve"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/adapters/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	program := serve.Program{Name: "appbur-postgres", Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	code := serve.Main(ctx, program, func(ctx context.Context, config tables.Config, log *slog.Logger) (serve.Adapter, error) {
		return postgres.Open(ctx, config, log)
	})
	stop()
	os.Exit(code)
}
