package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// Adapter serves configured tables of one database. It holds no connection while
// nothing runs.
type Adapter struct {
	config   tables.Config
	server   *pgconn.Config
	log      *slog.Logger
	datasets []contract.Dataset
}

var (
	_ contract.App     = (*Adapter)(nil)
	_ contract.Readier = (*Adapter)(nil)
)

// Open connects once, checks that every configured table can be exported and
// imported, and learns keys and references.
func Open(ctx context.Context, config tables.Config, log *slog.Logger) (*Adapter, error) {
	server, err := pgconn.ParseConfig(config.DSN)
	if err != nil {
		// The driver's message blanks the password.
		return nil, fmt.Errorf("reading the connection string: %w", err)
	}
	server.RuntimeParams["application_name"] = "appbur"
	a := &Adapter{config: config, server: server, log: log}
	s, err := connect(ctx, a.server, config.LockTimeout)
	if err != nil {
		return nil, advise(err, err,
			"check host, port and user of the connection string, database.dsn or database.dsnFromEnv, and that the server runs")
	}
	defer s.close()
	described, err := a.describe(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := mayReadSequences(ctx, s, described); err != nil {
		return nil, err
	}

	byRelation := map[string]string{}
	var relations, names []string
	for _, t := range described {
		names = append(names, t.Dataset)
		relations = append(relations, t.relations...)
		for _, oid := range t.relations {
			byRelation[oid] = t.Dataset
		}
	}
	keys, err := readForeignKeys(ctx, s, relations)
	if err != nil {
		return nil, err
	}

	references := tables.References{}
	for _, key := range keys {
		if from, to := byRelation[key.from], byRelation[key.to]; from != "" && to != "" {
			references[from] = append(references[from], to)
		}
	}

	before := references.Before(names)
	for _, t := range described {
		defaults, err := t.readDefaults(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("table %s.%s: reading defaults: %w", t.Schema, t.Name, err)
		}
		a.datasets = append(a.datasets, contract.Dataset{
			Name: t.Dataset, Description: "rows of " + t.Schema + "." + t.Name, Schema: t.PayloadSchema, Reads: t.Reads,
			Key: t.Key, Clear: !t.Sensitive, DependsOn: before[t.Dataset], Upcasts: t.Upcasts, Defaults: defaults,
		})
	}
	return a, nil
}

// Datasets returns what the server must announce, in the order of the configuration.
func (a *Adapter) Datasets() []contract.Dataset { return slices.Clone(a.datasets) }

// Ready reports whether the database answers.
func (a *Adapter) Ready(ctx context.Context) error {
	s, err := connect(ctx, a.server, a.config.LockTimeout)
	if err != nil {
		return err
	}
	s.close()
	return nil
}

// describe reads all configured tables from the catalog.
func (a *Adapter) describe(ctx context.Context, s *session) ([]*table, error) {
	var described []*table
	for i, configured := range a.config.Tables {
		t, err := readTable(ctx, s, configured)
		if err != nil {
			return nil, err
		}
		if a.datasets != nil && !slices.Equal(t.Key, a.datasets[i].Key) {
			return nil, appbur.WithHint(fmt.Errorf("table %s.%s: its primary key changed since the adapter started", t.Schema, t.Name),
				"restart the adapter")
		}
		if a.datasets != nil {
			t.Optional = tables.MayMiss(t.Optional, a.datasets[i].Defaults)
		}
		described = append(described, t)
	}
	return described, nil
}

// begin connects, opens a transaction, locks the tables and only then reads the
// catalog, so that what it read holds until the transaction ends.
func (a *Adapter) begin(ctx context.Context, transaction, lock string) (*session, map[string]*table, error) {
	s, err := connect(ctx, a.server, a.config.LockTimeout)
	if err != nil {
		return nil, nil, advise(contract.NewError(contract.ReasonBackendUnavailable, "%w", err), err, "")
	}
	described, err := func() ([]*table, error) {
		names := make([]string, len(a.config.Tables))
		for i, t := range a.config.Tables {
			schema := t.Schema
			if schema == "" {
				schema = "public"
			}
			names[i] = ident(schema) + "." + ident(t.Name)
		}
		slices.Sort(names) // the same order everywhere, against deadlocks
		if err := s.exec(ctx, "BEGIN "+transaction+"; LOCK TABLE "+strings.Join(names, ", ")+" IN "+lock+" MODE"); err != nil {
			return nil, failed(err, false, "locking the tables")
		}
		return a.describe(ctx, s)
	}()
	if err != nil {
		s.close()
		return nil, nil, err
	}

	byDataset := map[string]*table{}
	for _, t := range described {
		byDataset[t.Dataset] = t
	}
	return s, byDataset, nil
}
