//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/appbur/appbur"
	managementcluster "github.com/appbur/appbur/examples/management-cluster"
	"github.com/appbur/appbur/internal/testcluster"
)

func startOldCluster(ctx context.Context, s *stage) error {
	var err error
	s.oldCluster, err = s.startCluster(ctx, s.from, oldConfig)
	if err != nil {
		return err
	}
	s.say("\nEverything happens in %s; to follow along:", s.dir)
	s.command("cd " + s.dir)
	s.command("export APPBUR_KEYS=$PWD/" + keysName)
	return nil
}

// startCluster starts a control plane and puts its kubeconfig where the story's
// commands find it.
func (s *stage) startCluster(ctx context.Context, version appbur.KubeVersion, config string) (*testcluster.Cluster, error) {
	binaries, err := testcluster.LocateBinaries(ctx, version, func(message string) { s.remark("%s", message) })
	if err != nil {
		return nil, err
	}
	began := s.now()
	cluster, err := testcluster.Start(ctx, testcluster.Options{Version: version, Binaries: binaries})
	if err != nil {
		return nil, err
	}

	text, err := os.ReadFile(cluster.Kubeconfig)
	if err == nil {
		err = os.WriteFile(s.path(config), text, 0o600)
	}
	if err != nil {
		_ = cluster.Stop()
		return nil, fmt.Errorf("keep the kubeconfig: %w", err)
	}
	s.proved("Kubernetes %s answers at %s after %s; kubeconfig: %s", cluster.Version, cluster.Server(),
		s.now().Sub(began).Round(100*time.Millisecond), config)
	return cluster, nil
}

func fillOldCluster(ctx context.Context, s *stage) error {
	summary, err := managementcluster.Load(ctx, s.oldCluster.RESTConfig())
	if err != nil {
		return err
	}
	s.proved("%s, %d of them custom resources with a status; the files are in examples/management-cluster", summary, summary.Statuses)
	return nil
}

// clusters is how many customers' clusters version 1 invents for its empty database.
const clusters = "250"

// anyPort has the system choose a free port for the application's own API.
const anyPort = "127.0.0.1:0"

func startFleetV1(ctx context.Context, s *stage) error {
	address := "unix://" + s.path("fleet-v1.sock")
	svc, err := s.serve(ctx, "fleet-v1", address, "--db", "fleet-v1.db", "--http", anyPort, "--contract", address, "--seed", clusters)
	if err != nil {
		return err
	}
	s.oldFleet = svc
	return nil
}
