//go:build integration && linux

package cli_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The story of testdata/smalldisk mounts real file systems that are read-only or have
// hardly any room.
func TestInitAndCloneWhereThereIsNoRoom(t *testing.T) {
	if os.Getenv(fullDiskEnv) == "" {
		againInOwnMounts(t)
		return
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/smalldisk", WorkdirRoot: os.Getenv(fullDiskEnv),
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}
