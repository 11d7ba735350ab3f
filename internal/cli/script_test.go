package cli_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/appbur/appbur/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"appbur": func() { os.Exit(cli.TestingMain()) }})
}

// Each script is a short story told to the real command line: what a user types,
// what they read, and the exit code. They need no cluster.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
			env.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status,
			// story and tampering write the repository that audit.txtar is about.
			"story":     func(ts *testscript.TestScript, _ bool, _ []string) { cli.AuditStory(t, ts.MkAbs(".")) },
			"tampering": func(ts *testscript.TestScript, _ bool, _ []string) { cli.AuditTampering(t, ts.MkAbs(".")) },
		},
	})
}

// status checks an exit code: `status 64 appbur nonsense`.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = strconv.Itoa(exit.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
