package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Source is a checkout of appbur and what its binaries are to say about themselves.
type Source struct {
	Dir     string
	Version string
}

// compileTags and [Source.linkerFlags] are those of the Makefile, so that the image's binary is the one that `make build`
// makes: a test compares them.
const compileTags = "kustomize_disable_go_plugin_support"

func (s Source) linkerFlags() string {
	return "-s -w -X github.com/appbur/appbur/internal/cli.version=" + s.Version
}

// compiled is the binary of appbur for a platform.
func compiled(ctx context.Context, source Source, p Platform) ([]byte, error) {
	work, err := os.MkdirTemp("", "appbur-compiled-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()

	file := filepath.Join(work, "appbur")
	if err := source.Compile(ctx, p, "./cmd/appbur", file); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// Compile writes the binary of one package for a platform to a file. It is static, and has no path of this machine.
func (s Source) Compile(ctx context.Context, p Platform, pkg, file string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", compileTags, "-ldflags", s.linkerFlags(), "-o", file, pkg)
	cmd.Dir = s.Dir
	// Whatever a developer has set for processors would be in the binary and change its digest.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOOS="+p.OS, "GOARCH="+p.Arch,
		"GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off")

	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile %s for %s: %w\n%s", pkg, p, err, out)
	}
	return nil
}
