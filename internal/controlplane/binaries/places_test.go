package binaries

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// controlPlane makes programs that say which version they are.
func controlPlane(t *testing.T, dir, version string, programs ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		script := fmt.Sprintf("#!/bin/sh\necho 'Kubernetes v%s'\n", version)
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindTakesTheBestThatFits(t *testing.T) {
	cache, assets, envtest := t.TempDir(), t.TempDir(), t.TempDir()
	controlPlane(t, filepath.Join(cache, "1.24.17"), "1.24.17", Etcd, APIServer, ControllerManager)
	controlPlane(t, filepath.Join(cache, "1.37.0"), "1.37.0", Etcd, APIServer, ControllerManager)
	controlPlane(t, filepath.Join(cache, "1.37.1"), "1.37.1", Etcd, APIServer, ControllerManager)
	controlPlane(t, assets, "1.37.1", Etcd, APIServer)
	controlPlane(t, filepath.Join(envtest, "1.31.2-linux-amd64"), "1.31.2", Etcd, APIServer)
	places := Places{assets, cache, filepath.Join(cache, "absent"), envtest}

	for _, test := range []struct{ wanted, dir string }{
		{"1.24", filepath.Join(cache, "1.24.17")},
		{"1.24.17", filepath.Join(cache, "1.24.17")},
		{"1.37", filepath.Join(cache, "1.37.1")}, // the one with controllers, although assets comes first
		{"1.37.0", filepath.Join(cache, "1.37.0")},
		{"v1.31", filepath.Join(envtest, "1.31.2-linux-amd64")},
	} {
		wanted, err := ParseWanted(test.wanted)
		if err != nil {
			t.Fatal(err)
		}
		found, err := places.Find(t.Context(), wanted)
		if err != nil || found.Dir != test.dir {
			t.Errorf("%s is in %q, %v; want %s", test.wanted, found.Dir, err, test.dir)
		}
	}
}

func TestFindSaysWhatThereIs(t *testing.T) {
	place := t.TempDir()
	controlPlane(t, filepath.Join(place, "1.24.17"), "1.24.17", Etcd, APIServer)
	controlPlane(t, filepath.Join(place, "1.30.1"), "1.30.1", APIServer)
	controlPlane(t, filepath.Join(place, "1.30.2"), "1.29.9", Etcd, APIServer)
	controlPlane(t, filepath.Join(place, "1.30.3"), "1.30.3-gke.1", Etcd, APIServer)
	controlPlane(t, filepath.Join(place, "1.30.4"), "1.30.4", Etcd, APIServer)
	controlPlane(t, filepath.Join(place, "1.30.4"), "1.30.3", ControllerManager)

	wanted, err := ParseWanted("1.30")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Places{place}.Find(t.Context(), wanted)
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		t.Fatalf("Find = %v", err)
	}
	for _, want := range []string{
		"no servers of Kubernetes 1.30 in " + place, "there are 1.24.17, 1.29.9", "1.30.1 has no etcd",
		"not a plain release", "is version 1.30.3 beside an API server of 1.30.4",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
