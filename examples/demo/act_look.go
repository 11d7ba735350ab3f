//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/appbur/appbur"
	managementcluster "github.com/appbur/appbur/examples/management-cluster"
)

func checkRepository(ctx context.Context, s *stage) error {
	if err := s.run(ctx, command{args: []string{"git", "-C", repoName, "fsck", "--strict", "--full"}}); err != nil {
		return err
	}
	s.proved("git fsck --strict finds nothing")
	if _, err := exec.LookPath("ssh-keygen"); err == nil {
		verify := []string{
			"git", "-C", repoName, "-c", "gpg.format=ssh",
			"-c", "gpg.ssh.allowedSignersFile=" + s.path(keysName+"/allowed_signers"), "verify-commit", "main",
		}
		if err := s.run(ctx, command{args: verify}); err != nil {
			return err
		}
		s.proved("git trusts the signature")
	}
	return s.run(ctx, command{args: []string{"git", "clone", "--quiet", repoName, "checkout"}})
}

func lookAtManifest(ctx context.Context, s *stage) error {
	return s.show(ctx, appbur.ObjectID{Group: "autoscaling", Kind: "HorizontalPodAutoscaler", Namespace: "monitoring", Name: "grafana"}, 60)
}

func lookAtSecret(ctx context.Context, s *stage) error {
	if err := s.show(ctx, appbur.ObjectID{Kind: "Secret", Namespace: "argocd", Name: "repo-platform-config"}, 30); err != nil {
		return err
	}
	var objects bytes.Buffer
	code, err := s.exec(ctx, []string{"git", "-C", repoName, "cat-file", "--batch-all-objects", "--batch", "--buffer"}, &objects, s.out)
	if err != nil {
		return err
	}
	if code != 0 || objects.Len() == 0 {
		return fmt.Errorf("git could not print all objects: exit code %d", code)
	}
	if leaks := managementcluster.Leaks(objects.Bytes()); len(leaks) > 0 {
		return fmt.Errorf("%d secret values lie in clear in the repository, among them %q", len(leaks), leaks[0])
	}
	s.proved("none of the cluster's %d secret values is in any Git object, neither in clear nor in base64", len(managementcluster.Canaries()))
	return nil
}

// show prints the beginning of an object's manifest.
func (s *stage) show(ctx context.Context, id appbur.ObjectID, lines int) error {
	return s.run(ctx, command{args: []string{"git", "-C", repoName, "show", "main:" + id.Path()}, head: lines})
}

// newest returns the newest restore point of a repository.
func (s *stage) newest(ctx context.Context, repo string, flags ...string) (appbur.RestorePoint, error) {
	var points []appbur.RestorePoint
	args := append([]string{"appbur", "points", "list", "--repo", repo, "--json"}, flags...)
	if err := s.askJSON(ctx, &points, nil, args...); err != nil {
		return appbur.RestorePoint{}, err
	}
	if len(points) == 0 {
		return appbur.RestorePoint{}, errors.New("the repository has no restore point")
	}
	return points[0], nil
}

func listPoints(ctx context.Context, s *stage) error {
	if err := s.run(ctx, command{args: []string{"appbur", "points", "list", "--repo", repoName}}); err != nil {
		return err
	}
	newest, err := s.newest(ctx, repoName)
	if err != nil {
		return err
	}
	s.saved = newest.Apps
	if len(s.saved) == 0 {
		return errors.New("the restore point holds no application")
	}
	return s.checkCoverage(ctx)
}

// deadAPI is the aggregated API of the management cluster whose server is gone.
const deadAPI = "custom.metrics.k8s.io/v1beta1"

// checkCoverage makes sure that the point is complete, and that it does not hide
// the API without a server.
func (s *stage) checkCoverage(ctx context.Context) error {
	var shown struct {
		Partial  bool            `json:"partial"`
		Coverage appbur.Coverage `json:"coverage"`
	}
	if err := s.askJSON(ctx, &shown, nil, "appbur", "points", "show", point, "--repo", repoName, "--json"); err != nil {
		return err
	}
	if len(shown.Coverage.Types) == 0 {
		return errors.New("the restore point does not say which types it covers")
	}

	if shown.Partial {
		return errors.New("the restore point is partial")
	}
	var groups []string
	for _, g := range shown.Coverage.Groups {
		groups = append(groups, g.GroupVersion)
	}
	if !slices.Equal(groups, []string{deadAPI}) {
		return fmt.Errorf("discovery failed for %q, and should have failed for %s alone", groups, deadAPI)
	}
	s.proved("the point is whole, and says that %s did not answer: metrics, which nobody stores", deadAPI)
	return nil
}

func judgeForNewVersion(ctx context.Context, s *stage) error {
	return s.run(ctx, command{
		args:    []string{"appbur", "compat", "cluster", point, "--to", s.to.String(), "--repo", repoName},
		answers: map[int]string{20: blocked},
	})
}

// blocked is what the story expects of a PodSecurityPolicy on a new version.
const blocked = "incompatible. PodSecurityPolicy was removed in Kubernetes 1.25 and has no successor of the\n" +
	"  same shape. Everything else can be taken along."
