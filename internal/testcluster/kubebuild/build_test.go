//go:build unix

package kubebuild

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane/binaries"
)

func TestBuildMakesWhatIsMissingAndOnlyThat(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	sources := fakeSources(t)
	store := Store{Sources: sources, Dir: filepath.Join(t.TempDir(), "cache")}
	build := func(want ...Program) Binaries {
		t.Helper()
		var r recorder
		built, err := Builder{Store: store, Report: r.report}.Build(t.Context(), fakeVersion)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.finished(); !slices.Equal(got, want) {
			t.Errorf("built %v, want %v", got, want)
		}
		return built
	}

	var missing *MissingError
	if _, err := store.Locate(t.Context(), fakeVersion); !errors.As(err, &missing) || len(missing.Programs) != 3 {
		t.Fatalf("Locate before the build = %v, want three missing programs", err)
	} else if hint := appbur.HintOf(err); !strings.Contains(hint, "make servers") {
		t.Errorf("hint %q does not name the make target", hint)
	}

	built := build(APIServer, ControllerManager, Etcd)
	if v, err := binaries.ReportedVersion(t.Context(), built.APIServer); err != nil || v != fakeVersion {
		t.Errorf("the binary says %v, %v", v, err)
	}
	if located, err := store.Locate(t.Context(), fakeVersion); err != nil || located != built {
		t.Errorf("Locate = %v, %v; want what Build returned", located, err)
	}
	if again := build(); again != built {
		t.Errorf("second build = %v, want %v", again, built)
	}

	// A changed pin rebuilds what depends on it.
	write(t, filepath.Join(sources.dir, "1.99.3", "go.mod"), "module k8s.io/kubernetes\n\ngo 1.26.0\n\n// changed\n"+fakeTools)
	build(APIServer, ControllerManager)
	write(t, filepath.Join(sources.dir, etcdModule, "go.sum"), "example.com/x v1.0.0 h1:eA==\n")
	build(Etcd)

	// So does a binary that somebody removed.
	if err := os.Remove(built.ControllerManager); err != nil {
		t.Fatal(err)
	}
	build(ControllerManager)
	build()
	expectNothingPartial(t, store.VersionDir(fakeVersion))
}

func TestBuildReplacesWhatAKilledBuildLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Go programs, as TestBuildMakesWhatAssetsLack does")
	}
	store := Store{Sources: fakeSources(t), Dir: t.TempDir()}
	dir := store.VersionDir(fakeVersion)
	write(t, filepath.Join(dir, ".kube-apiserver.partial"), "half a binary")
	write(t, filepath.Join(dir, "kube-apiserver"), "renamed, and then the machine stopped before the stamp")
	built, err := Builder{Store: store}.Build(t.Context(), fakeVersion)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := binaries.ReportedVersion(t.Context(), built.APIServer); err != nil || v != fakeVersion {
		t.Errorf("the binary says %v, %v", v, err)
	}
	expectNothingPartial(t, dir)
}

func TestConcurrentBuildsBuildOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Go programs, as TestBuildMakesWhatAssetsLack does")
	}
	store := Store{Sources: fakeSources(t), Dir: t.TempDir()}
	var r recorder
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			if _, err := (Builder{Store: store, Report: r.report}).Build(t.Context(), fakeVersion); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := r.finished(); len(got) != 3 {
		t.Errorf("three builds at once built %v, want each program once", got)
	}
}

func TestCancelledBuildLeavesNoPartialFile(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	for _, at := range []Phase{Planning, Compiling} {
		t.Run(string(at), func(t *testing.T) {
			store := Store{Sources: fakeSources(t), Dir: t.TempDir()}
			// A package that no build cache has, so that there is something to compile.
			write(t, filepath.Join(store.Sources.dir, "1.99.3", "version", "value.go"),
				"package version\n\nvar Version = \"v1.99.3\" // "+t.TempDir()+"\n")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := Builder{Store: store, Report: func(p Progress) {
				if p.Phase == at {
					cancel()
				}
			}}.Build(ctx, fakeVersion)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("Build = %v, want it cancelled", err)
			}
			expectNothingPartial(t, store.VersionDir(fakeVersion))
			if _, err := (Builder{Store: store}).Build(t.Context(), fakeVersion); err != nil {
				t.Errorf("the build after a cancelled one: %v", err)
			}
		})
	}
}

func TestFailedBuildSaysWhatTheCompilerSaid(t *testing.T) {
	store := Store{Sources: fakeSources(t), Dir: t.TempDir()}
	write(t, filepath.Join(store.Sources.dir, "1.99.3", "version", "value.go"), "package version\n\nvar Version = undeclared\n")
	_, err := Builder{Store: store}.Build(t.Context(), fakeVersion)
	if err == nil || !strings.Contains(err.Error(), "undefined: undeclared") ||
		!strings.Contains(err.Error(), "kube-apiserver of Kubernetes 1.99.3") {
		t.Errorf("Build = %v", err)
	}
	expectNothingPartial(t, store.VersionDir(fakeVersion))
}

func TestBuildOfAVersionWithoutModule(t *testing.T) {
	store := Store{Sources: fakeSources(t), Dir: t.TempDir()}
	_, err := Builder{Store: store}.Build(t.Context(), appbur.KubeVersion{Major: 1, Minor: 16})
	if err == nil || !strings.Contains(appbur.HintOf(err), "1.99.3") {
		t.Errorf("Build = %v (hint %q), want the versions there are", err, appbur.HintOf(err))
	}
}

func TestLockEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(t.Context(), dir, func() { t.Error("nobody holds the lock") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waited := 0
	_, err = lock(ctx, dir, func() { waited++; cancel() })
	if !errors.Is(err, context.Canceled) || waited != 1 {
		t.Errorf("second lock = %v after %d notices; want it cancelled after one", err, waited)
	}
	unlock()
	unlock, err = lock(t.Context(), dir, func() { t.Error("the lock was not given back") })
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func expectNothingPartial(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.Contains(entry.Name(), "partial") {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}

// What nodes need is built from pins of its own: it makes no control plane out of date.
func TestNodesAreBuiltApart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Go programs, as TestBuildMakesWhatAssetsLack does")
	}
	store := Store{Sources: fakeSources(t), Dir: t.TempDir()}
	var r recorder
	builder := Builder{Store: store, Report: r.report}
	if store.Sources.HasNode(fakeVersion) {
		t.Fatal("a version without a module for nodes has one")
	}
	if _, err := builder.Build(t.Context(), fakeVersion); err != nil {
		t.Fatal(err)
	}

	module := filepath.Join(store.Sources.dir, nodeModule, fakeVersion.String())
	write(t, filepath.Join(module, "go.mod"), "module k8s.io/kubernetes\n\ngo 1.26.0\n")
	write(t, filepath.Join(module, "go.sum"), "k8s.io/kubernetes v1.99.3 h1:c291cmNl=\n")
	write(t, filepath.Join(module, "version", "value.go"), "package version\n\nvar Version = \"v1.99.3\"\n")
	for _, p := range nodePrograms {
		write(t, filepath.Join(module, "cmd", string(p), "main.go"), apiServerSource)
	}
	var missing *MissingError
	if _, err := store.LocateNode(t.Context(), fakeVersion); !errors.As(err, &missing) || len(missing.Programs) != 3 {
		t.Fatalf("LocateNode before the build = %v, want three missing programs", err)
	}

	built, err := builder.BuildNode(t.Context(), fakeVersion)
	if err != nil || !store.Sources.HasNode(fakeVersion) {
		t.Fatalf("BuildNode = %v", err)
	}
	if located, err := store.LocateNode(t.Context(), fakeVersion); err != nil || located != built {
		t.Errorf("LocateNode = %v, %v; want what BuildNode returned", located, err)
	}
	if v, err := binaries.ReportedVersion(t.Context(), built.Kubelet); err != nil || v != fakeVersion {
		t.Errorf("the kubelet says %v, %v", v, err)
	}
	if got, want := r.finished(), slices.Concat(programs, nodePrograms); !slices.Equal(got, want) {
		t.Errorf("built %v, want %v", got, want)
	}
}
