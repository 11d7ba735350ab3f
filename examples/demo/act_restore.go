//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	managementcluster "github.com/appbur/appbur/examples/management-cluster"
)

func startNewCluster(ctx context.Context, s *stage) error {
	var err error
	s.newCluster, err = s.startCluster(ctx, s.to, newConfig)
	return err
}

func planRestore(ctx context.Context, s *stage) error {
	return s.run(ctx, command{
		args:    []string{"appbur", "plan", point, "--repo", repoName, "--kubeconfig", newConfig},
		answers: map[int]string{20: blocked},
	})
}

// restoreArgs is the restore command without what makes its three uses differ.
func (s *stage) restoreArgs(more ...string) []string {
	return append([]string{"appbur", "restore", point, "--repo", repoName, "--kubeconfig", newConfig, "--yes"}, more...)
}

func refuseRestore(ctx context.Context, s *stage) error {
	err := s.run(ctx, command{
		args:    s.restoreArgs(),
		into:    os.DevNull, // the plan once more
		answers: map[int]string{20: "refused. With --allow-blocked it goes on without the PodSecurityPolicy."},
	})
	if err != nil {
		return err
	}
	present, _, err := managementcluster.Namespaces(ctx, s.newCluster.RESTConfig())
	if err != nil {
		return err
	}
	if len(present) > 0 {
		return fmt.Errorf("a refused restore made the namespaces %q", present)
	}
	s.proved("nothing was written")
	return nil
}

func startFleetV2(ctx context.Context, s *stage) error {
	address := "unix://" + s.path("fleet-v2.sock")
	svc, err := s.serve(ctx, "fleet-v2", address, "--db", "fleet-v2.db", "--http", anyPort, "--contract", address)
	if err != nil {
		return err
	}
	s.newFleet = svc
	return nil
}

func restorePoint(ctx context.Context, s *stage) error {
	return s.run(ctx, command{
		args: s.restoreArgs("--allow-blocked", "--activate", "later", "--wait", "0s", "--app", appName+"="+s.newFleet.address), tail: 8,
	})
}

func activateRestored(ctx context.Context, s *stage) error {
	return s.run(ctx, command{args: []string{"appbur", "activate", "--kubeconfig", newConfig, "--yes", "--wait", "0s"}, tail: 4})
}

func verifyRestore(ctx context.Context, s *stage) error {
	err := s.run(ctx, command{args: []string{
		"appbur", "verify", point, "--repo", repoName, "--kubeconfig", newConfig, "--allow-blocked",
		"--app", appName + "=" + s.newFleet.address,
	}})
	if err != nil {
		return err
	}
	s.proved("the new cluster and the new application hold what was saved")
	return nil
}

// secondReport is the file that the second restore writes.
const secondReport = "second-restore.json"

func restoreAgain(ctx context.Context, s *stage) error {
	if err := s.run(ctx, command{args: s.restoreArgs("--allow-blocked", "--only", "manifests", "--json"), into: secondReport}); err != nil {
		return err
	}
	text, err := os.ReadFile(s.path(secondReport))
	if err != nil {
		return err
	}

	var report struct {
		Counts struct {
			Created, Configured, Unchanged, Skipped, Failed int
		} `json:"counts"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("read %s: %w", secondReport, err)
	}

	c := report.Counts
	switch {
	case c.Created+c.Configured+c.Failed > 0:
		return fmt.Errorf("the second restore created %d, changed %d and failed on %d objects", c.Created, c.Configured, c.Failed)
	case c.Unchanged == 0:
		return errors.New("the second restore found nothing unchanged")
	}

	s.proved("%d objects unchanged, none created, none changed", c.Unchanged)
	return nil
}

func waitAndVerify(ctx context.Context, s *stage) error {
	if err := s.countdown(ctx, s.wait, "the garbage collector is at work"); err != nil {
		return err
	}
	return verifyRestore(ctx, s)
}

func backupNewCluster(ctx context.Context, s *stage) error {
	if err := s.run(ctx, command{args: []string{"appbur", "init", newRepoName, "--keys", newKeysName}}); err != nil {
		return err
	}
	err := s.run(ctx, command{
		args: []string{
			"appbur", "backup", "--repo", newRepoName, "--keys", newKeysName, "--kubeconfig", newConfig, "--app",
			appName + "=" + s.newFleet.address,
		},
	})
	if err != nil {
		return err
	}
	newest, err := s.newest(ctx, newRepoName, "--keys", newKeysName)
	if err != nil {
		return err
	}
	s.restored = newest.Apps
	return s.compareRecords()
}
