//go:build linux

package testnode

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tools are programs and directories of this machine that a node needs.
type tools struct {
	containerd string // the directory with containerd, its shim and ctr
	cni        string // the directory with CNI's plugins
	path       string // PATH of the servers
}

// findTools fails the test with all that is missing.
func findTools(t testing.TB) tools {
	t.Helper()
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root: a kubelet mounts and makes namespaces")
	}

	found := tools{path: "/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, program := range []string{"runc", "nft", "ip", "nsenter"} {
		if !programIn(program, filepath.SplitList(found.path)) {
			missing = append(missing, program)
		}
	}

	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	var there bool
	places := append(filepath.SplitList(os.Getenv("PATH")), filepath.Join(cache, "appbur", "tools", "containerd", "usr", "bin"))
	if found.containerd, there = place("containerd-shim-runc-v2", places); !there {
		missing = append(missing, "containerd")
	}
	if found.cni, there = place("ptp", []string{"/usr/lib/cni", "/opt/cni/bin"}); !there {
		missing = append(missing, "CNI's plugins (containernetworking-plugins)")
	}

	if len(missing) > 0 {
		t.Fatalf("real pods cannot run here; what is missing: %s\nhint: hack/packages.sh installs programs", strings.Join(missing, ", "))
	}
	found.path = found.containerd + ":" + found.path
	return found
}

// place is the first directory that has a program.
func place(program string, dirs []string) (dir string, there bool) {
	for _, dir := range dirs {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return dir, true
		}
	}
	return "", false
}

func programIn(program string, dirs []string) bool {
	_, there := place(program, dirs)
	return there
}

// must runs a program of this machine that has to succeed.
func must(t testing.TB, words ...string) {
	t.Helper()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

func write(t testing.TB, file, format string, args ...any) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o644); err != nil {
		t.Fatal(err)
	}
}
