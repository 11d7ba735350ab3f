//go:build unix

package kubebuild

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
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

	have, err := reportedVersion(ctx, apiServer)
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
	if path := filepath.Join(dir, string(Etcd)); isExecutable(path) {
		given[Etcd] = path
	}

	if path := filepath.Join(dir, string(ControllerManager)); isExecutable(path) {
		switch have, err := reportedVersion(ctx, path); {
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

// reportedVersion asks a Kubernetes server what it is.
func reportedVersion(ctx context.Context, binary string) (appbur.KubeVersion, error) {
	out, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		return appbur.KubeVersion{}, fmt.Errorf("ask %s for its version: %w", binary, err)
	}
	v, err := parseReportedVersion(string(out))
	if err != nil {
		return appbur.KubeVersion{}, fmt.Errorf("ask %s for its version: %w", binary, err)
	}
	return v, nil
}

// parseReportedVersion reads "Kubernetes v1.24.17". A vendor's or a development
// build is not the release that its number resembles, so it is refused.
func parseReportedVersion(out string) (appbur.KubeVersion, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(out), "Kubernetes v")
	if !ok {
		return appbur.KubeVersion{}, fmt.Errorf("unexpected answer %q", out)
	}
	v, err := appbur.ParseKubeVersion(text)
	if err != nil {
		return appbur.KubeVersion{}, err
	}
	if v.String() != text {
		return appbur.KubeVersion{}, fmt.Errorf("%q is not a plain release", text)
	}
	return v, nil
}
