//go:build unix

package kubebuild

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/appbur/appbur"
)

// recipe is everything that decides what a binary will be.
type recipe struct {
	program Program
	dir     string   // the nested module
	flags   []string // of go list and go build alike, so that both see the same build cache
	ldflags string
	stamp   string
}

// environment of the go command. Binaries must run on this machine whatever the
// caller cross-compiles for, need no C compiler, and must not be drawn into a
// workspace that the nested modules are no part of.
var environment = []string{
	"CGO_ENABLED=0",
	"GOOS=" + runtime.GOOS,
	"GOARCH=" + runtime.GOARCH,
	"GOWORK=off",
}

// versionPackages hold the variables that upstream's build sets at link time.
// Servers up to 1.24 answer /version from the second, later ones from the first.
var versionPackages = []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"}

// recipe reads the pins of a program and works out how to build it.
func (s Sources) recipe(v appbur.KubeVersion, p Program) (recipe, error) {
	r := recipe{
		program: p,
		dir:     s.moduleDir(v, p),
		// -buildvcs=false: the tree around the module says nothing about the servers.
		flags:   []string{"-mod=readonly", "-trimpath", "-buildvcs=false"},
		ldflags: "-s -w",
	}

	gomod, err := os.ReadFile(filepath.Join(r.dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return recipe{}, s.unknownVersion(v, err)
	}
	if err != nil {
		return recipe{}, fmt.Errorf("read pins of %s: %w", p, err)
	}
	gosum, err := os.ReadFile(filepath.Join(r.dir, "go.sum"))
	if err != nil {
		return recipe{}, fmt.Errorf("read pins of %s: %w", p, err)
	}

	if p != Etcd {
		sum, err := moduleSum(gosum, "k8s.io/kubernetes", "v"+v.String())
		if err != nil {
			return recipe{}, fmt.Errorf("read pins of %s: %s: %w", p, filepath.Join(r.dir, "go.sum"), err)
		}
		r.ldflags += versionFlags(v, sum)
	}

	hash := sha256.New()
	for _, part := range [][]byte{
		gomod, gosum, []byte(r.ldflags), []byte(strings.Join(r.flags, " ")),
		[]byte(strings.Join(environment, " ")), []byte(runtime.Version()), []byte(mainPackages[p]),
	} {
		fmt.Fprintf(hash, "%d\n", len(part))
		hash.Write(part)
	}

	r.stamp = hex.EncodeToString(hash.Sum(nil))
	return r, nil
}

// unknownVersion explains that there is no nested module for v.
func (s Sources) unknownVersion(v appbur.KubeVersion, cause error) error {
	known, err := s.Versions()
	if err != nil {
		return err
	}
	return appbur.WithHint(fmt.Errorf("kubernetes %s cannot be built here: %w", v, cause),
		fmt.Sprintf("the versions with a nested module in hack/kube are %v", known))
}

// versionFlags are the -X flags that make a server call itself by its version
// instead of v0.0.0-master+$Format. The commit of a module is not recorded
// anywhere, its checksum is, and names the source at least as exactly. The date
// is upstream's default, so that equal pins give equal binaries.
func versionFlags(v appbur.KubeVersion, sum string) string {
	var flags strings.Builder
	for _, pkg := range versionPackages {
		for _, variable := range [][2]string{
			{"gitVersion", "v" + v.String()},
			{"gitMajor", fmt.Sprint(v.Major)},
			{"gitMinor", fmt.Sprint(v.Minor)},
			{"gitTreeState", "clean"},
			{"gitCommit", sum},
			{"buildDate", "1970-01-01T00:00:00Z"},
		} {
			fmt.Fprintf(&flags, " -X %s.%s=%s", pkg, variable[0], variable[1])
		}
	}
	return flags.String()
}

// moduleSum finds the checksum of a module's content in a go.sum.
func moduleSum(gosum []byte, module, version string) (string, error) {
	lines := bufio.NewScanner(bytes.NewReader(gosum))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == module && fields[1] == version {
			return fields[2], nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("no checksum of %s %s", module, version)
}
