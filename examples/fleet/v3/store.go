package v3

import (
	"context"
	"database/sql"
	"time"

	"github.com/appbur/appbur/examples/fleet/database"
	"github.com/appbur/appbur/pkg/contract/sqlstate"
)

// tablesVersion is written into the database file.
const tablesVersion = 3

const ddl = `
CREATE TABLE customers (
	id TEXT PRIMARY KEY, name TEXT NOT NULL, tier TEXT NOT NULL, contact_email TEXT NOT NULL, created_at TEXT NOT NULL
) STRICT;
CREATE TABLE clusters (
	id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers, name TEXT NOT NULL, kubernetes_version TEXT NOT NULL,
	region TEXT NOT NULL, zone TEXT NOT NULL, phase TEXT NOT NULL, labels TEXT NOT NULL, created_at TEXT NOT NULL,
	UNIQUE (customer_id, name)
) STRICT;
CREATE TABLE maintenance_windows (
	id INTEGER PRIMARY KEY AUTOINCREMENT, cluster_id TEXT NOT NULL REFERENCES clusters,
	starts_at TEXT NOT NULL, ends_at TEXT NOT NULL, reason TEXT NOT NULL, approved_by TEXT NOT NULL
) STRICT;
CREATE TABLE credentials (cluster_id TEXT PRIMARY KEY REFERENCES clusters, token TEXT NOT NULL) STRICT`

// Fleet is the service with an open database.
type Fleet struct {
	*sqlstate.App
	db  *sql.DB
	now func() time.Time
}

// Open opens or makes the database file. now stamps new records.
func Open(ctx context.Context, file string, now func() time.Time) (*Fleet, error) {
	db, err := database.Open(ctx, file, tablesVersion, ddl)
	if err != nil {
		return nil, err
	}
	return &Fleet{App: sqlstate.New(db, sqlstate.SQLite, datasets()...), db: db, now: now}, nil
}

// Close closes the database.
func (f *Fleet) Close() error { return f.db.Close() }

func insertCustomer(ctx context.Context, db sqlstate.Execer, c Customer) error {
	_, err := db.ExecContext(ctx, "INSERT INTO customers (id, name, tier, contact_email, created_at) VALUES (?, ?, ?, ?, ?)",
		c.ID, c.Name, c.Tier, c.ContactEmail, database.Time{At: &c.CreatedAt})
	return err
}

const selectCustomers = "SELECT id, name, tier, contact_email, created_at FROM customers"

func scanCustomer(row sqlstate.Scanner) (any, error) {
	var c Customer
	err := row.Scan(&c.ID, &c.Name, &c.Tier, &c.ContactEmail, database.Time{At: &c.CreatedAt})
	return c, err
}

func insertCluster(ctx context.Context, db sqlstate.Execer, c Cluster) error {
	_,
		err := db.ExecContext(ctx,
		"INSERT INTO clusters (id, customer_id, name, kubernetes_version, region, zone, phase, labels, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c.ID, c.CustomerID, c.Name, c.KubernetesVersion, c.Location.Region, c.Location.Zone, c.Status.Phase, database.Labels{Map: &c.Labels},
		database.Time{At: &c.CreatedAt})
	return err
}

const selectClusters = "SELECT id, customer_id, name, kubernetes_version, region, zone, phase, labels, created_at FROM clusters"

func scanCluster(row sqlstate.Scanner) (any, error) {
	var c Cluster
	err := row.Scan(&c.ID, &c.CustomerID, &c.Name, &c.KubernetesVersion, &c.Location.Region, &c.Location.Zone, &c.Status.Phase,
		database.Labels{Map: &c.Labels}, database.Time{At: &c.CreatedAt})
	return c, err
}

// insertWindow gives the window a number when it has none.
func insertWindow(ctx context.Context, db sqlstate.Execer, w MaintenanceWindow) (int64, error) {
	id := sql.NullInt64{Int64: w.ID, Valid: w.ID != 0}
	result, err := db.ExecContext(ctx, "INSERT INTO maintenance_windows (id, cluster_id, starts_at, ends_at, reason, approved_by) VALUES (?, ?, ?, ?, ?, ?)",
		id, w.ClusterID, database.Time{At: &w.StartsAt}, database.Time{At: &w.EndsAt}, w.Reason, w.ApprovedBy)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

const selectWindows = "SELECT id, cluster_id, starts_at, ends_at, reason, approved_by FROM maintenance_windows"

func scanWindow(row sqlstate.Scanner) (any, error) {
	var w MaintenanceWindow
	err := row.Scan(&w.ID, &w.ClusterID, database.Time{At: &w.StartsAt}, database.Time{At: &w.EndsAt}, &w.Reason, &w.ApprovedBy)
	return w, err
}

func insertCredential(ctx context.Context, db sqlstate.Execer, c Credential) error {
	_,
		err := db.ExecContext(ctx,
		"INSERT INTO credentials (cluster_id, token) VALUES (?, ?) ON CONFLICT (cluster_id) DO UPDATE SET token = excluded.token",
		c.ClusterID, c.Token)
	return err
}

const selectCredentials = "SELECT cluster_id, token FROM credentials"

func scanCredential(row sqlstate.Scanner) (any, error) {
	var c Credential
	err := row.Scan(&c.ClusterID, &c.Token)
	return c, err
}
