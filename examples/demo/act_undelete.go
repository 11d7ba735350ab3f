//go:build unix

package main

import (
	"context"

	managementcluster "github.com/appbur/appbur/examples/management-cluster"
)

// deleted is the namespace that is lost, and comes back.
const deleted = "monitoring"

func deleteNamespace(ctx context.Context, s *stage) error {
	s.command("kubectl --kubeconfig " + oldConfig + " delete namespace " + deleted)
	if err := managementcluster.DeleteNamespace(ctx, s.oldCluster.RESTConfig(), deleted); err != nil {
		return err
	}
	err := s.run(ctx, command{
		args:    s.partly("verify"),
		tail:    6,
		answers: map[int]string{4: "verify says what is missing."},
	})
	if err != nil {
		return err
	}
	s.proved("the namespace and all in it are gone")
	return nil
}

func restoreNamespace(ctx context.Context, s *stage) error {
	if err := s.run(ctx, command{args: s.partly("restore", "--yes"), tail: 30}); err != nil {
		return err
	}
	if err := s.run(ctx, command{args: s.partly("verify")}); err != nil {
		return err
	}
	s.proved("the namespace is as it was saved, in the cluster that never stopped running")
	return nil
}

// partly is a command about the deleted namespace in the old cluster.
func (s *stage) partly(name string, more ...string) []string {
	return append([]string{"appbur", name, point, "-n", deleted, "--repo", repoName, "--kubeconfig", oldConfig}, more...)
}
