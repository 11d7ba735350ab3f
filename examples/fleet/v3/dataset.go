package v3

import (
	"context"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/sqlstate"
)

// AppVersion is the release that this package is.
const AppVersion = "3.0.0"

// datasets are the state: one table each. Clusters and maintenance windows have a new schema,
// the others are as they were. What is not said to be clear is sensitive.
func datasets() []sqlstate.Table {
	return []sqlstate.Table{
		{
			Dataset: contract.Dataset{
				Name: "customers", Description: "Who the clusters belong to.", Schema: "2.0", Key: []string{"id"},
				Clear: true, Upcasts: []contract.Upcast{customersFrom1},
			},
			Select: selectCustomers + " ORDER BY id", Scan: scanCustomer, Delete: "DELETE FROM customers",
			Insert: sqlstate.Inserting(insertCustomer),
		},
		{
			Dataset: contract.Dataset{
				Name: "clusters", Description: "The registered clusters.", Schema: "3.0", Key: []string{"id"}, DependsOn: []string{"customers"},
				Clear: true, Upcasts: []contract.Upcast{clustersFrom1, clustersFrom2},
			},
			Select: selectClusters + " ORDER BY id", Scan: scanCluster, Delete: "DELETE FROM clusters",
			Insert: sqlstate.Inserting(insertCluster),
		},
		{
			Dataset: contract.Dataset{
				Name: "maintenance-windows", Description: "When clusters may be worked on.", Schema: "1.1", Reads: ">= 1.0, < 2.0",
				Key: []string{"id"}, Clear: true, DependsOn: []string{"clusters"}, Defaults: windowDefaults,
			},
			Select: selectWindows + " ORDER BY id", Scan: scanWindow, Delete: "DELETE FROM maintenance_windows",
			Insert: sqlstate.Inserting(func(ctx context.Context, db sqlstate.Execer, w MaintenanceWindow) error {
				_, err := insertWindow(ctx, db, w)
				return err
			}),
		},
		{
			Dataset: contract.Dataset{
				Name: "credentials", Description: "How the service reaches the clusters.", Schema: "1.0", Key: []string{"clusterId"},
				DependsOn: []string{"clusters"},
			},
			Select: selectCredentials + " ORDER BY cluster_id", Scan: scanCredential, Delete: "DELETE FROM credentials",
			Insert: sqlstate.Inserting(insertCredential),
		},
	}
}
