package v3

import (
	"context"
	"errors"
	"time"

	"github.com/appbur/appbur/examples/fleet/names"
	"github.com/appbur/appbur/pkg/contract/sqlstate"
)

// Seed fills an empty database with n made-up clusters.
func (f *Fleet) Seed(ctx context.Context, n int) (err error) {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var filled bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM customers)").Scan(&filled); err != nil {
		return err
	}
	last := ""

	for i, c := range names.Clusters(n) {
		if filled {
			break
		}
		if c.Customer.ID != last {
			last = c.Customer.ID
			err := insertCustomer(ctx, tx, Customer{
				ID: c.Customer.ID, Name: c.Customer.Name, Tier: []string{"premium", "standard", "basic"}[c.Customer.Rank],
				ContactEmail: c.Customer.Email, CreatedAt: c.Customer.Created,
			})
			if err != nil {
				return err
			}
		}
		if err := seedCluster(ctx, tx, i, c); err != nil {
			return err
		}
	}

	return tx.Commit()
}

func seedCluster(ctx context.Context, db sqlstate.Execer, i int, c names.Cluster) error {
	phase := "active"
	if i%5 == 4 {
		phase = "decommissioned"
	}
	err := insertCluster(ctx, db, Cluster{
		ID: c.ID, CustomerID: c.Customer.ID, Name: c.Name, KubernetesVersion: c.KubernetesVersion,
		Location: Location{Region: c.Region, Zone: c.Zone}, Status: Status{Phase: phase}, Labels: c.Labels, CreatedAt: c.Created,
	})
	if err != nil {
		return err
	}
	if err := insertCredential(ctx, db, Credential{ClusterID: c.ID, Token: c.Token}); err != nil {
		return err
	}
	if c.Maintenance.IsZero() {
		return nil
	}
	_, err = insertWindow(ctx, db, MaintenanceWindow{
		ClusterID: c.ID, StartsAt: c.Maintenance, EndsAt: c.Maintenance.Add(2 * time.Hour), Reason: c.Reason, ApprovedBy: c.Customer.Email,
	})
	return err
}
