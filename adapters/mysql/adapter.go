package mysql

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	driver "github.com/go-sql-driver/mysql"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// Adapter serves configured tables of one database. It holds no connection while
// nothing runs.
type Adapter struct {
	config   tables.Config
	server   *driver.Config
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
	server, err := parseDSN(config.DSN)
	if err != nil {
		return nil, err
	}
	a := &Adapter{config: config, server: server, log: log}
	s, err := connect(ctx, a.server, config.LockTimeout)
	if err != nil {
		return nil, advise(err, err,
			"check user, address and database of the connection string, database.dsn or database.dsnFromEnv, and that the server runs")
	}
	defer s.close()
	described, err := a.describe(ctx, s)
	if err != nil {
		return nil, err
	}

	for _, t := range described {
		for _, name := range t.opaque {
			log.WarnContext(ctx,
				"the adapter cannot evaluate a CHECK constraint: rows that violate it, written with check_constraint_checks = 0, would show only when they are imported",
				"table", t.String(), "constraint", name)
		}
	}

	datasetOf := map[string]string{}
	var names []string
	for _, t := range described {
		names = append(names, t.Dataset)
		datasetOf[t.qualified()] = t.Dataset
	}
	keys, err := readForeignKeys(ctx, s, described)
	if err != nil {
		return nil, err
	}

	references := tables.References{}
	for _, key := range keys {
		if from, to := datasetOf[key.from], datasetOf[key.to]; from != "" && to != "" {
			references[from] = append(references[from], to)
		}
	}

	before := references.Before(names)
	for _, t := range described {
		defaults, err := t.readDefaults(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("table %s: reading defaults: %w", t, err)
		}
		a.datasets = append(a.datasets, contract.Dataset{
			Name: t.Dataset, Description: "rows of " + t.String(), Schema: t.PayloadSchema, Reads: t.Reads,
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
			return nil, appbur.WithHint(fmt.Errorf("table %s: its primary key changed since the adapter started", t), "restart the adapter")
		}
		if a.datasets != nil {
			t.Optional = tables.MayMiss(t.Optional, a.datasets[i].Defaults)
		}
		described = append(described, t)
	}
	return described, nil
}

// begin connects, opens a transaction and touches every table, which holds off
// statements that change tables, before it reads the catalog: what it read then
// stays true until the transaction ends.
func (a *Adapter) begin(ctx context.Context, transaction string) (*session, map[string]*table, error) {
	s, err := connect(ctx, a.server, a.config.LockTimeout)
	if err != nil {
		return nil, nil, advise(contract.NewError(contract.ReasonBackendUnavailable, "%w", err), err, "")
	}
	described, err := a.beginOn(ctx, s, transaction)
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

func (a *Adapter) beginOn(ctx context.Context, s *session, transaction string) ([]*table, error) {
	if err := s.exec(ctx, transaction); err != nil {
		return nil, failed(err, false, "beginning a transaction")
	}
	for _, t := range a.config.Tables {
		name := ident(t.Name)
		if t.Schema != "" {
			name = ident(t.Schema) + "." + name
		}
		if err := s.exec(ctx, "DO (SELECT COUNT(*) FROM (SELECT 1 FROM "+name+" LIMIT 0) nothing)"); err != nil {
			return nil, failed(err, false, "holding table %s", t.Name)
		}
	}
	return a.describe(ctx, s)
}
