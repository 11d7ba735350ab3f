//go:build unix

package kubebuild

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func TestVersionsAreTheDirectoriesWithAModule(t *testing.T) {
	versions, err := fakeSources(t).Versions()
	if err != nil {
		t.Fatal(err)
	}
	want := []appbur.KubeVersion{{Major: 1, Minor: 9}, fakeVersion, {Major: 1, Minor: 100}}
	if len(versions) != len(want) {
		t.Fatalf("versions = %v, want %v", versions, want)
	}
	for i := range want {
		if versions[i] != want[i] {
			t.Errorf("versions = %v, want %v", versions, want)
		}
	}
}

func TestFindSourcesOutsideTheRepository(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/other\n")
	if sources, err := FindSources(dir); err == nil {
		t.Errorf("FindSources = %v, want an error", sources)
	}
}

// The modules of this repository can be read, and each has a recipe.
func TestSourcesOfThisRepository(t *testing.T) {
	sources, err := FindSources(".")
	if err != nil {
		t.Fatal(err)
	}
	versions, err := sources.Versions()
	if err != nil {
		t.Fatal(err)
	}
	if len(versions) < 2 {
		t.Errorf("versions = %v, want at least an old and a new one", versions)
	}

	for _, v := range versions {
		wanted, err := sources.programs(v)
		if err != nil {
			t.Fatal(err)
		}
		if sources.HasNode(v) {
			wanted = append(wanted, nodePrograms...)
		}
		for _, p := range wanted {
			r, err := sources.recipe(v, p)
			if err != nil {
				t.Error(err)
				continue
			}
			if p != Etcd && !strings.Contains(r.ldflags, "-X k8s.io/client-go/pkg/version.gitVersion=v"+v.String()) {
				t.Errorf("%s of %s is linked with %s", p, v, r.ldflags)
			}
		}
	}
}

func TestAssetsWinForTheirVersion(t *testing.T) {
	for _, test := range []struct {
		name    string
		files   map[string]string // what each answers
		want    []Program         // taken from the assets
		warning string
	}{
		{"envtest", map[string]string{"kube-apiserver": "Kubernetes v1.99.3", "etcd": "etcd Version: 3.5.0"}, []Program{APIServer, Etcd}, ""},
		{"no etcd", map[string]string{"kube-apiserver": "Kubernetes v1.99.3"}, []Program{APIServer}, ""},
		{
			"all",
			map[string]string{"kube-apiserver": "Kubernetes v1.99.3", "etcd": "", "kube-controller-manager": "Kubernetes v1.99.3"},
			[]Program{APIServer, Etcd, ControllerManager},
			"",
		},
		{
			"other controller-manager",
			map[string]string{"kube-apiserver": "Kubernetes v1.99.3", "kube-controller-manager": "Kubernetes v1.98.0"},
			[]Program{APIServer},
			"it is version 1.98.0, not 1.99.3",
		},
		{"other version", map[string]string{"kube-apiserver": "Kubernetes v1.98.0", "etcd": ""}, nil, "is version 1.98.0"},
		{"development build", map[string]string{"kube-apiserver": "Kubernetes v1.99.3-alpha.1+f00"}, nil, "not a plain release"},
		{"nonsense", map[string]string{"kube-apiserver": "hello"}, nil, "unexpected answer"},
		{"empty", nil, nil, "ask"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assets := t.TempDir()
			for file, answer := range test.files {
				script(t, filepath.Join(assets, file), answer)
			}
			var warnings []string

			store := Store{
				Sources: fakeSources(t), Dir: t.TempDir(), Assets: assets,
				Warn: func(message string) { warnings = append(warnings, message) },
			}
			given, err := store.assets(t.Context(), fakeVersion)
			if err != nil {
				t.Fatal(err)
			}
			if len(given) != len(test.want) {
				t.Errorf("used %v, want %v", given, test.want)
			}

			for _, p := range test.want {
				if given[p] != filepath.Join(assets, string(p)) {
					t.Errorf("%s is taken from %q", p, given[p])
				}
			}

			if said := strings.Join(warnings, "\n"); (said == "") != (test.warning == "") || !strings.Contains(said, test.warning) {
				t.Errorf("warned %q, want %q", said, test.warning)
			}
		})
	}
}

func TestBuildMakesWhatAssetsLack(t *testing.T) {
	assets := t.TempDir()
	script(t, filepath.Join(assets, "kube-apiserver"), "Kubernetes v1.99.3")
	script(t, filepath.Join(assets, "etcd"), "")
	store := Store{Sources: fakeSources(t), Dir: t.TempDir(), Assets: assets}
	built, err := Builder{Store: store}.Build(t.Context(), fakeVersion)
	if err != nil {
		t.Fatal(err)
	}
	want := Binaries{
		Etcd:              filepath.Join(assets, "etcd"),
		APIServer:         filepath.Join(assets, "kube-apiserver"),
		ControllerManager: filepath.Join(store.VersionDir(fakeVersion), "kube-controller-manager"),
	}
	if built != want {
		t.Errorf("Build = %v, want %v", built, want)
	}
}

func TestStampOfAFileThatCannotRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "etcd")
	write(t, path, "")
	write(t, stampPath(path), "stamp")
	if upToDate(path, "stamp") {
		t.Error("a file without execute permission is up to date")
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if !upToDate(path, "stamp") || upToDate(path, "other") {
		t.Error("the stamp does not decide")
	}
}

// A version that is pinned for questions to its API has no controller manager, and shares the etcd of all.
func TestAVersionMayBeAnAPIServerAlone(t *testing.T) {
	sources := fakeSources(t)
	write(t, filepath.Join(sources.dir, "1.100.0", "go.mod"),
		"module k8s.io/kubernetes\n\ngo 1.26.0\n\ntool k8s.io/kubernetes/cmd/kube-apiserver\n")
	write(t, filepath.Join(sources.dir, "1.100.0", "go.sum"), "k8s.io/kubernetes v1.100.0 h1:c291cmNl=\n")
	write(t, filepath.Join(sources.dir, "1.100.0", "cmd", "kube-apiserver", "main.go"), "package main\n\nfunc main() {}\n")
	store := Store{Sources: sources, Dir: t.TempDir()}
	both, err := Builder{Store: store}.Build(t.Context(), fakeVersion)
	if err != nil {
		t.Fatal(err)
	}

	var seen recorder
	alone := appbur.KubeVersion{Major: 1, Minor: 100}
	built, err := Builder{Store: store, Report: seen.report}.Build(t.Context(), alone)
	if err != nil {
		t.Fatal(err)
	}
	want := Binaries{
		Etcd:      filepath.Join(store.VersionDir(alone), "etcd"),
		APIServer: filepath.Join(store.VersionDir(alone), "kube-apiserver"),
	}
	if built != want {
		t.Errorf("Build = %v, want %v", built, want)
	}
	if finished := seen.finished(); len(finished) != 1 || finished[0] != APIServer {
		t.Errorf("built %v, want the API server alone", finished)
	}

	ours, err := os.Stat(built.Etcd)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.Stat(both.Etcd)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(ours, theirs) {
		t.Error("etcd was not shared")
	}
	if located, err := store.Locate(t.Context(), alone); err != nil || located != want {
		t.Errorf("Locate = %v, %v", located, err)
	}
}

func TestModuleSum(t *testing.T) {
	gosum := []byte("k8s.io/kubernetes v1.24.17/go.mod h1:mod=\nk8s.io/kubernetes v1.24.17 h1:zip=\nk8s.io/kubernetes v1.24.1 h1:no=\n")
	if sum, err := moduleSum(gosum, "k8s.io/kubernetes", "v1.24.17"); err != nil || sum != "h1:zip=" {
		t.Errorf("moduleSum = %q, %v", sum, err)
	}
	if sum, err := moduleSum(gosum, "k8s.io/kubernetes", "v1.37.1"); err == nil {
		t.Errorf("moduleSum of an absent version = %q", sum)
	}
}
