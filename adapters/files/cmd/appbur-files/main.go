// Command appbur-files serves chosen files of a directory as the state of an
// application; see the documentation of package files.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/appbur/appbur/adapters/files"
	"github.com/appbur/appbur/adapters/internal/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	program := serve.Program{
		Name: "appbur-files", About: "Serves chosen files of a directory as application state for appbur.",
		Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr,
	}
	code := serve.Main(ctx, program, func(data []byte) (serve.Open, error) {
		config, err := files.ParseConfig(data)
		if err != nil {
			return nil, err
		}
		return func(_ context.Context, _ *slog.Logger) (serve.Served, error) {
			a, err := files.Open(config)
			if err != nil {
				return serve.Served{}, err
			}
			return serve.Served{App: a, ID: config.App, Version: config.Version, Datasets: a.Datasets()}, nil
		}, nil
	})

	stop()
	os.Exit(code)
}
