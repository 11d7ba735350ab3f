package cli_test

import (
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/appbur/appbur/internal/cli"
)

// TestMain makes this test program an appbur that tests find in the PATH.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "appbur" {
		os.Exit(cli.TestingMain())
	}
	os.Exit(runWithProgram(m))
}

func runWithProgram(m *testing.M) int {
	self, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	bin, err := os.MkdirTemp("", "appbur-bin-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(bin)

	if err := os.Symlink(self, filepath.Join(bin, "appbur")); err != nil {
		log.Fatal(err)
	}
	os.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return m.Run()
}

// exitCode runs a command of a script. With -short an appbur is run within this process: it takes fifty milliseconds to
// start one, and scripts run hundreds. A line `exec appbur` always starts one, as do those within `exec sh`.
func exitCode(ts *testscript.TestScript, args []string) int {
	if testing.Short() && args[0] == "appbur" {
		return runHere(ts, args[1:])
	}
	err := ts.Exec(args[0], args[1:]...)
	if err == nil {
		return 0
	}
	exit, ok := err.(interface{ ExitCode() int })
	if !ok {
		ts.Fatalf("%v", err)
	}
	return exit.ExitCode()
}

// oneByOne runs scripts one after another: the directory and the environment belong to the process, also while a script
// looks for a program.
type oneByOne struct{ *testing.T }

func (oneByOne) Parallel() {}

func (oneByOne) Verbose() bool { return testing.Verbose() }

func (o oneByOne) Run(name string, script func(testscript.T)) {
	o.T.Run(name, func(t *testing.T) { script(oneByOne{t}) })
}

// runHere runs a command line where a script is, with the variables that the script has. Programs that the command starts
// see the variables that the script began with, with the values that they have now.
func runHere(ts *testscript.TestScript, args []string) int {
	before := os.Environ()
	dir, err := os.Getwd()
	ts.Check(err)
	defer func() {
		setEnvironment(before)
		ts.Check(os.Chdir(dir))
	}()

	var environment []string
	names, _ := ts.Value(scriptVariables{}).([]string)
	for _, name := range names {
		environment = append(environment, name+"="+ts.Getenv(name))
	}
	setEnvironment(environment)
	ts.Check(os.Chdir(ts.MkAbs(".")))

	return cli.TestingRun(strings.NewReader(""), ts.Stdout(), ts.Stderr(), ts.Getenv, args)
}

// scriptVariables is where [testscript.Env] keeps the names of the variables that a script begins with.
type scriptVariables struct{}

func variableNames(env *testscript.Env) []string {
	var names []string
	for _, variable := range env.Vars {
		if name, _, ok := strings.Cut(variable, "="); ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}

func setEnvironment(environment []string) {
	os.Clearenv()
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		os.Setenv(name, value)
	}
}
