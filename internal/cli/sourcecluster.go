package cli

import (
	"context"
	"log/slog"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// sourceCluster is the cluster that is saved, as it is read for one repository.
type sourceCluster struct {
	*exporter.Exporter
	rules   *manifest.Rules // those of the repository
	cluster appbur.Cluster
}

// source connects to the cluster that is saved into repo, and asks which one it is. The log, what hears of the
// connection and what hears of another store are for who watches it, or nil.
func (o *clusterOptions) source(
	ctx context.Context, e *env, repo *repository.Repository, log *slog.Logger, connection exporter.Connection, rewound func(),
) (sourceCluster, error) {
	config, err := o.restConfig()
	if err != nil {
		return sourceCluster{}, err
	}
	rules, err := repo.ManifestRules()
	if err != nil {
		return sourceCluster{}, err
	}
	source, err := exporter.New(config, rules, exporter.Options{Now: e.now, Log: log, Connection: connection, Rewound: rewound})
	if err != nil {
		return sourceCluster{}, err
	}

	cluster, err := source.Cluster(ctx)
	return sourceCluster{source, rules, cluster}, err
}

// maker makes restore points of the cluster.
func (s sourceCluster) maker(e *env, repo *repository.Repository, keys *keyring.Keys) *backup.Maker {
	return &backup.Maker{
		Repo: repo, Keys: keys, Source: s.Exporter, Cluster: s.cluster, Rules: s.rules.Version(), Random: e.rand, Now: e.now,
		Observer: &backupObserver{env: e},
	}
}
