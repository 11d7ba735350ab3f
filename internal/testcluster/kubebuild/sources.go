//go:build unix

package kubebuild

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/appbur/appbur"
)

const (
	mainModule = "github.com/appbur/appbur"
	etcdModule = "etcd" // the directory of the nested module for etcd
	nodeModule = "node" // the directory of the nested modules for nodes, one for each version that has any
)

// Sources is the directory that holds the nested modules, hack/kube.
type Sources struct {
	dir string
}

// FindSources looks for the main module in dir and its parents and returns its
// hack/kube. Tests run in the directory of their package, so "." finds it.
func FindSources(dir string) (Sources, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return Sources{}, fmt.Errorf("find hack/kube: %w", err)
	}
	for at := start; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		switch {
		case err == nil && isMainModule(text):
			return Sources{dir: filepath.Join(at, "hack", "kube")}, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return Sources{}, fmt.Errorf("find hack/kube: %w", err)
		}
		if at == filepath.Dir(at) {
			return Sources{}, fmt.Errorf("find hack/kube: no go.mod of %s in %s or above", mainModule, start)
		}
	}
}

func isMainModule(gomod []byte) bool {
	for line := range bytes.Lines(gomod) {
		if bytes.Equal(bytes.TrimSpace(line), []byte("module "+mainModule)) {
			return true
		}
	}
	return false
}

// Versions lists the Kubernetes versions that can be built, oldest first: the
// directories that are named like a version and hold a go.mod.
func (s Sources) Versions() ([]appbur.KubeVersion, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list Kubernetes versions: %w", err)
	}
	var versions []appbur.KubeVersion
	for _, entry := range entries {
		v, err := appbur.ParseKubeVersion(entry.Name())
		if err != nil || v.String() != entry.Name() {
			continue
		}
		if _, err := os.Stat(filepath.Join(s.dir, entry.Name(), "go.mod")); err == nil {
			versions = append(versions, v)
		}
	}
	slices.SortFunc(versions, appbur.KubeVersion.Compare)
	return versions, nil
}

// moduleDir is the nested module that a program of a version is built in. One
// etcd serves every version.
func (s Sources) moduleDir(v appbur.KubeVersion, p Program) string {
	switch {
	case p == Etcd:
		return filepath.Join(s.dir, etcdModule)
	case slices.Contains(nodePrograms, p):
		return filepath.Join(s.dir, nodeModule, v.String())
	default:
		return filepath.Join(s.dir, v.String())
	}
}

// HasNode reports whether the programs of a node can be built for a version.
func (s Sources) HasNode(v appbur.KubeVersion) bool {
	_, err := os.Stat(filepath.Join(s.moduleDir(v, Kubelet), "go.mod"))
	return err == nil
}

// programs lists what the control plane of a version is built of: etcd, and the
// commands that its module names as tools.
func (s Sources) programs(v appbur.KubeVersion) ([]Program, error) {
	gomod, err := os.ReadFile(filepath.Join(s.moduleDir(v, APIServer), "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.unknownVersion(v, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read which programs of Kubernetes %s are pinned: %w", v, err)
	}

	var pinned []Program
	for _, p := range programs {
		if p == Etcd || namesTool(gomod, mainPackages[p]) {
			pinned = append(pinned, p)
		}
	}
	return pinned, nil
}

// namesTool reports whether a go.mod has a package as a tool, in a block or alone.
func namesTool(gomod []byte, path string) bool {
	for line := range bytes.Lines(gomod) {
		if string(bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(line), []byte("tool ")))) == path {
			return true
		}
	}
	return false
}
