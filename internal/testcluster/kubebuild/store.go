//go:build unix

package kubebuild

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane/binaries"
)

// Store is where binaries are looked for: a cache directory that Build fills,
// and optionally a directory of binaries that the user has already.
type Store struct {
	// Sources are the pins that binaries in the cache must have been built from.
	Sources Sources
	// Dir is the cache directory; each version has a directory in it.
	Dir string
	// Assets is a directory in envtest's layout, as KUBEBUILDER_ASSETS names it,
	// or empty. It wins over the cache for the one version that it holds.
	Assets string
	// Warn, if set, is called with why Assets was not used.
	Warn func(message string)
}

// CacheDir is the directory that all clones share, below the user's cache
// directory.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache for Kubernetes servers: %w", err)
	}
	return filepath.Join(dir, "appbur", "kube"), nil
}

// VersionDir is the directory of one version in the cache.
func (s Store) VersionDir(v appbur.KubeVersion) string {
	return filepath.Join(s.Dir, v.String())
}

// MissingError says that programs of a version are not built, or were built
// from other pins than the present ones.
type MissingError struct {
	Version  appbur.KubeVersion
	Dir      string
	Programs []Program
}

// Error names what is missing and where it was looked for.
func (e *MissingError) Error() string {
	names := make([]string, len(e.Programs))
	for i, p := range e.Programs {
		names[i] = string(p)
	}
	return fmt.Sprintf("servers of Kubernetes %s are missing or out of date in %s: %s", e.Version, e.Dir, strings.Join(names, ", "))
}

// Locate returns the binaries of a version, or a [*MissingError]. It builds
// nothing.
func (s Store) Locate(ctx context.Context, v appbur.KubeVersion) (Binaries, error) {
	wanted, err := s.Sources.programs(v)
	if err != nil {
		return Binaries{}, err
	}
	found, err := s.locate(ctx, v, wanted)
	return found.binaries(), err
}

// LocateNode returns the programs of a version's node, or a [*MissingError].
func (s Store) LocateNode(ctx context.Context, v appbur.KubeVersion) (NodeBinaries, error) {
	found, err := s.locate(ctx, v, nodePrograms)
	return found.nodeBinaries(), err
}

func (s Store) locate(ctx context.Context, v appbur.KubeVersion, wanted []Program) (paths, error) {
	found, missing, err := s.survey(ctx, v, wanted)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		lacking := &MissingError{Version: v, Dir: s.VersionDir(v)}
		for _, r := range missing {
			lacking.Programs = append(lacking.Programs, r.program)
		}
		return nil, appbur.WithHint(lacking, fmt.Sprintf(
			"run `make servers` once, or `go run ./hack/kube -versions %s` for this one; it builds them into the cache", v))
	}
	return found, nil
}

// survey sorts programs of a version into those that can be used and the
// recipes of those that must be built.
func (s Store) survey(ctx context.Context, v appbur.KubeVersion, wanted []Program) (found paths, missing []recipe, err error) {
	given, err := s.assets(ctx, v)
	if err != nil {
		return nil, nil, err
	}
	found = make(paths)

	for _, p := range wanted {
		if path, ok := given[p]; ok {
			found[p] = path
			continue
		}
		r, err := s.Sources.recipe(v, p)
		if err != nil {
			return nil, nil, err
		}
		path := filepath.Join(s.VersionDir(v), string(p))
		if !upToDate(path, r.stamp) {
			missing = append(missing, r)
			continue
		}
		found[p] = path
	}

	return found, missing, nil
}

// stampPath is where the stamp of a binary is: hidden beside it, so that the
// directory still looks like envtest's.
func stampPath(binary string) string {
	return filepath.Join(filepath.Dir(binary), "."+filepath.Base(binary)+".stamp")
}

func upToDate(binary, stamp string) bool {
	have, err := os.ReadFile(stampPath(binary))
	return err == nil && string(have) == stamp && binaries.IsExecutable(binary)
}
