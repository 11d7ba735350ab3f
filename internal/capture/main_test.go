//go:build integration

package capture_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// versions are the releases that the tests run against.
var versions = []string{"1.24.17", "1.37.1"}

// clusters are shared by the tests of the package: starting one takes longer than
// most of them.
var clusters = map[string]*testcluster.Cluster{}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, cluster := range clusters {
		if err := cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// clusterOf returns the running cluster of a version.
func clusterOf(t *testing.T, version string) *testcluster.Cluster {
	t.Helper()
	if cluster := clusters[version]; cluster != nil {
		return cluster
	}
	v, err := appbur.ParseKubeVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := testcluster.Start(context.Background(), testcluster.Options{Version: v, Binaries: testcluster.Locate(t, v)})
	if err != nil {
		t.Fatal(err)
	}
	clusters[version] = cluster
	return cluster
}
