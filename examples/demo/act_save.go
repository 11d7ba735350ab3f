//go:build unix

package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/appbur/appbur"
	managementcluster "github.com/appbur/appbur/examples/management-cluster"
)

func initRepository(ctx context.Context, s *stage) error {
	return s.run(ctx, command{args: []string{"appbur", "init", repoName, "--keys", keysName}})
}

// firstPoint is what the daemon says once its first restore point is there.
var firstPoint = regexp.MustCompile(`made a restore point`)

// leaseNamespace is where the daemon has its Lease.
const leaseNamespace = "default"

func runDaemon(ctx context.Context, s *stage) error {
	daemon, err := s.serveUntil(ctx, firstPoint, "appbur", "", "run", "--repo", repoName, "--kubeconfig", oldConfig,
		"--app", appName+"="+s.oldFleet.address, "--schedule", "hourly=@hourly",
		"--leader-elect", "--leader-elect-resource-namespace", leaseNamespace)
	if err != nil {
		return err
	}
	s.daemon = daemon
	return s.run(ctx, command{args: []string{"git", "-C", repoName, "log", "--oneline", "main"}})
}

// askForPoint has the daemon make a restore point now.
func (s *stage) askForPoint(ctx context.Context) error {
	return s.run(ctx, command{args: []string{"appbur", "backup", "--in-cluster", "--namespace", leaseNamespace, "--kubeconfig", oldConfig}})
}

func stopDaemon(_ context.Context, s *stage) error {
	s.daemon.stop()
	if code := s.daemon.exitCode(); code != 0 {
		return fmt.Errorf("appbur run ended with exit code %d; its log is %s", code, s.path("appbur.log"))
	}
	s.proved("it ended in order")
	return nil
}

func quietPoint(ctx context.Context, s *stage) error {
	before, err := s.tip(ctx)
	if err != nil {
		return err
	}
	if err := managementcluster.Noise(ctx, s.oldCluster.RESTConfig()); err != nil {
		return err
	}
	if err := s.askForPoint(ctx); err != nil {
		return err
	}
	after, err := s.tip(ctx)
	if err != nil {
		return err
	}

	if before != after {
		changed, err := s.changedFiles(ctx, before, after)
		if err != nil {
			return err
		}
		return fmt.Errorf("an unchanged cluster made a commit on main; it changes\n%s", strings.Join(changed, "\n"))
	}

	s.proved("main is still at %.12s: no commit for noise", after)
	return nil
}

func changesAndPoint(ctx context.Context, s *stage) error {
	before, err := s.tip(ctx)
	if err != nil {
		return err
	}
	edits := managementcluster.Edits()
	s.say("What they do is what these commands do:")

	for _, e := range edits {
		s.say("    %s", e.Command)
	}
	if err := managementcluster.Change(ctx, s.oldCluster.RESTConfig()); err != nil {
		return err
	}
	if err := s.askForPoint(ctx); err != nil {
		return err
	}

	for _, look := range [][]string{{"log", "--oneline", "main"}, {"log", "--stat=100", "-n", "1", "main"}} {
		if err := s.run(ctx, command{args: append([]string{"git", "-C", repoName}, look...)}); err != nil {
			return err
		}
	}

	after, err := s.tip(ctx)
	if err != nil {
		return err
	}
	changed, err := s.changedFiles(ctx, before, after)
	if err != nil {
		return err
	}

	var objects []string
	for _, path := range changed {
		if appbur.IsManifestPath(path) {
			objects = append(objects, path)
		}
	}

	if len(objects) != len(edits) {
		return fmt.Errorf("%d changes by people changed %d files:\n%s", len(edits), len(objects), strings.Join(objects, "\n"))
	}
	s.proved("%d changes, %d changed files", len(edits), len(objects))
	return nil
}

// tip is the commit that main is at.
func (s *stage) tip(ctx context.Context) (string, error) {
	return s.ask(ctx, nil, "git", "-C", repoName, "rev-parse", "refs/heads/main")
}

func (s *stage) changedFiles(ctx context.Context, from, to string) ([]string, error) {
	text, err := s.ask(ctx, nil, "git", "-C", repoName, "diff", "--name-only", from, to)
	if err != nil || text == "" {
		return nil, err
	}
	return strings.Split(text, "\n"), nil
}
