//go:build integration && linux

package cli_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// fullDiskEnv says to a child of this test where it may mount.
const fullDiskEnv = "APPBUR_TEST_FULL_DISK"

// The story of testdata/fulldisk, on a real file system of its own that is full.
func TestFreeingSpaceNeedsNone(t *testing.T) {
	dir := os.Getenv(fullDiskEnv)
	if dir == "" {
		againInOwnMounts(t)
		return
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"); err != nil {
		t.Fatal(err)
	}

	testscript.Run(t, testscript.Params{
		Dir: "testdata/fulldisk", WorkdirRoot: dir,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"makepoint": makePoint,
			"rows":      randomRows,
			"fill":      fillDisk,
		},
	})
}

// againInOwnMounts runs the calling test again in a user and a mount namespace of its
// own, where anybody may mount. That it cannot is a failure.
func againInOwnMounts(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), fullDiskEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a mount namespace of its own: %v\n%s", err, out)
	}
}

// randomRows writes 2 MiB of rows that do not compress: `rows FILE`.
func randomRows(ts *testscript.TestScript, _ bool, args []string) {
	var rows strings.Builder
	for id := range 2000 {
		value := make([]byte, 512)
		_, err := rand.Read(value)
		ts.Check(err)
		fmt.Fprintf(&rows, "{\"id\":%d,\"value\":\"%x\"}\n", id, value)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(rows.String()), 0o600))
}

// fillDisk takes all space to the last byte.
func fillDisk(ts *testscript.TestScript, _ bool, _ []string) {
	file, err := os.CreateTemp(ts.MkAbs("."), "ballast-*")
	ts.Check(err)
	defer func() { ts.Check(file.Close()) }()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			ts.Check(err)
		}
	}
}
