// Command appbur-exec serves what commands export and import as the state of an
// application; see the documentation of package exec.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/appbur/appbur/adapters/exec"
	"github.com/appbur/appbur/adapters/internal/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	program := serve.Program{
		Name: "appbur-exec", About: "Serves what commands export and import as application state for appbur.",
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr,
	}
	code := serve.Main(ctx, program, func(data []byte) (serve.Open, error) {
		config, err := exec.ParseConfig(data, os.Getenv)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, _ *slog.Logger) (serve.Served, error) {
			a, err := exec.Open(ctx, config)
			if err != nil {
				return serve.Served{}, err
			}
			return serve.Served{App: a, ID: config.App, Version: a.Version(), Datasets: a.Datasets()}, nil
		}, nil
	})

	stop()
	os.Exit(code)
}
