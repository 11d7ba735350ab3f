//go:build unix

package testcluster

import (
	"context"
	"os"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
)

// Cluster is one of package controlplane.
type Cluster = controlplane.Cluster

// Options are those of package controlplane.
type Options = controlplane.Options

// Start runs a cluster until [Cluster.Stop], as [controlplane.Start] does.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	return controlplane.Start(ctx, options)
}

// New starts a cluster for a test and stops it when the test ends. It fails the
// test, and never skips it, when the servers are not built or do not start.
// When the test fails, the ends of the logs are printed and the logs are kept.
func New(t testing.TB, version string) *Cluster {
	t.Helper()
	v, err := appbur.ParseKubeVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	return NewWith(t, Options{Version: v})
}

// NewWith is [New] with options. Binaries that are not set are located.
func NewWith(t testing.TB, options Options) *Cluster {
	t.Helper()
	if options.Binaries == (kubebuild.Binaries{}) {
		options.Binaries = Locate(t, options.Version)
	}
	c, err := Start(t.Context(), options)
	if err != nil {
		fatal(t, err)
	}

	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the logs of Kubernetes %s are kept in %s\n%s", c.Version, c.Dir, c.LogTails())
			c.StopAndKeep()
			return
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})

	return c
}

// Locate returns the binaries of a version or fails the test.
func Locate(t testing.TB, v appbur.KubeVersion) kubebuild.Binaries {
	t.Helper()
	binaries, err := LocateBinaries(t.Context(), v, func(message string) { t.Log("WARNING: " + message) })
	if err != nil {
		fatal(t, err)
	}
	return binaries
}

// LocateBinaries finds the binaries of a version where `make servers` puts them
// and where KUBEBUILDER_ASSETS points. The working directory must be inside the
// repository, because the pins there say which binaries are up to date.
func LocateBinaries(ctx context.Context, v appbur.KubeVersion, warn func(string)) (kubebuild.Binaries, error) {
	store, err := theStore(warn)
	if err != nil {
		return kubebuild.Binaries{}, err
	}
	return store.Locate(ctx, v)
}

// theStore is where `make servers` puts binaries.
func theStore(warn func(string)) (kubebuild.Store, error) {
	sources, err := kubebuild.FindSources(".")
	if err != nil {
		return kubebuild.Store{}, err
	}
	dir, err := kubebuild.CacheDir()
	if err != nil {
		return kubebuild.Store{}, err
	}
	return kubebuild.Store{Sources: sources, Dir: dir, Assets: os.Getenv("KUBEBUILDER_ASSETS"), Warn: warn}, nil
}

// fatal ends the test with the error and its next step.
func fatal(t testing.TB, err error) {
	t.Helper()
	if hint := appbur.HintOf(err); hint != "" {
		t.Fatalf("%v\nhint: %s", err, hint)
	}
	t.Fatal(err)
}

// LocateNode returns the programs of a version's node or fails the test.
func LocateNode(t testing.TB, v appbur.KubeVersion) kubebuild.NodeBinaries {
	t.Helper()
	store, err := theStore(func(message string) { t.Log("WARNING: " + message) })
	if err != nil {
		fatal(t, err)
	}
	binaries, err := store.LocateNode(t.Context(), v)
	if err != nil {
		fatal(t, err)
	}
	return binaries
}
