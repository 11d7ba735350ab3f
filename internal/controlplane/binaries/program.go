package binaries

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/appbur/appbur"
)

// The names of the programs.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
)

// Binaries are the paths of the programs of a control plane. Without the
// controller-manager it is an API server alone.
type Binaries struct {
	Etcd              string
	APIServer         string
	ControllerManager string
}

// ReportedVersion asks a Kubernetes server what it is.
func ReportedVersion(ctx context.Context, binary string) (appbur.KubeVersion, error) {
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

// IsExecutable reports whether a path is that of a program.
func IsExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
