package serve

import (
	"context"
	"log/slog"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// Database is a database that is served as an application.
type Database interface {
	contract.App
	Datasets() []contract.Dataset
}

// Tables reads the configuration of a database adapter and opens it by open.
func Tables[D Database](getenv func(string) string, open func(context.Context, tables.Config, *slog.Logger) (D, error)) Parse {
	return func(data []byte) (Open, error) {
		config, err := tables.ParseConfig(data, getenv)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, log *slog.Logger) (Served, error) {
			adapter, err := open(ctx, config, log)
			if err != nil {
				return Served{}, err
			}
			return Served{App: adapter, ID: config.App, Version: config.Version, Datasets: adapter.Datasets()}, nil
		}, nil
	}
}
