//go:build unix

package kubebuild

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane/binaries"
)

// assets returns what the user's own directory offers for a version. Its API
// server must be exactly that version; its etcd then comes along. A controller
// manager, which envtest does not ship, is used when it is there and matches.
func (s Store) assets(ctx context.Context, v appbur.KubeVersion) (map[Program]string, error) {
	if s.Assets == "" {
		return nil, nil
	}
	dir, err := filepath.Abs(s.Assets)
	if err != nil {
		return nil, fmt.Errorf("read KUBEBUILDER_ASSETS: %w", err)
	}
	apiServer := filepath.Join(dir, string(APIServer))

	have, err := binaries.ReportedVersion(ctx, apiServer)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.warn("KUBEBUILDER_ASSETS is not used for Kubernetes %s: %v", v, err)
		return nil, nil
	}

	if have != v {
		s.warn("KUBEBUILDER_ASSETS is not used for Kubernetes %s: %s is version %s", v, apiServer, have)
		return nil, nil
	}
	given := map[Program]string{APIServer: apiServer}
	if path := filepath.Join(dir, string(Etcd)); binaries.IsExecutable(path) {
		given[Etcd] = path
	}

	if path := filepath.Join(dir, string(ControllerManager)); binaries.IsExecutable(path) {
		switch have, err := binaries.ReportedVersion(ctx, path); {
		case err != nil:
			s.warn("KUBEBUILDER_ASSETS: %s is not used: %v", ControllerManager, err)
		case have != v:
			s.warn("KUBEBUILDER_ASSETS: %s is not used: it is version %s, not %s", ControllerManager, have, v)
		default:
			given[ControllerManager] = path
		}
	}

	return given, nil
}

func (s Store) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}
