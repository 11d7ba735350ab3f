//go:build integration

package capture_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// versions are the releases that the tests run against.
var versions = []string{"1.24.17", "1.37.1"}

// clusters are shared by the tests of the package, by version: starting one takes
// longer than most of them.
var clusters sync.Map

func TestMain(m *testing.M) {
	code := m.Run()
	clusters.Range(func(_, each any) bool {
		cluster := each.(*testcluster.Cluster)
		if code != 0 {
			fmt.Fprintf(os.Stderr, "the logs of Kubernetes %s are kept in %s\n%s\n", cluster.Version, cluster.Dir, cluster.LogTails())
			cluster.StopAndKeep()
			return true
		}
		if err := cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		return true
	})
	os.Exit(code)
}

// clusterOf returns the running cluster of a version. Tests of one version run one
// after the other.
func clusterOf(t *testing.T, version string) *testcluster.Cluster {
	t.Helper()
	if cluster, ok := clusters.Load(version); ok {
		return cluster.(*testcluster.Cluster)
	}
	v, err := appbur.ParseKubeVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := testcluster.Start(context.Background(), testcluster.Options{Version: v, Binaries: testcluster.Locate(t, v)})
	if err != nil {
		t.Fatal(err)
	}
	clusters.Store(version, cluster)
	return cluster
}
